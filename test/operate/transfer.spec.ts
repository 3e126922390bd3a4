import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { AUDIT, CARRIED, LEFT_OUT, NOT_CARRIED_COLUMNS } from '../../src/operate/transfer/carried-tables.js';
import { asRole } from '../support/database.js';
import { Deployment } from '../support/deployment.js';
import { answers, follow, type FullTenant, fullTenant, verified } from '../support/full-tenant.js';
import { Caller, eventually } from '../support/waypost.js';
import { spawnWaypost } from '../support/waypost-process.js';

it('carries each table that has tenants, or says why not', async () => {
  const found = await asRole('postgres', async (client) => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT c.relname AS name FROM pg_class c
       WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
         AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)`,
    );
    return rows.map(({ name }) => name);
  });
  expect([...found, 'tenants'].toSorted()).toEqual([...CARRIED, ...Object.keys(LEFT_OUT)].toSorted());
});

describe('a tenant that moves to another deployment', () => {
  let source: Deployment;
  let target: Deployment;
  let folder: string;
  let full: FullTenant;
  let before: unknown[];
  let slug: string;
  let file: string;
  let passphrase: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'waypost-transfer-'));
    file = join(folder, 'tenant.ndjson.gz');
    passphrase = join(folder, 'passphrase');
    await writeFile(passphrase, 'correct horse battery staple\n');
    // Queues play no part here: both do without Redis.
    [source, target] = await Promise.all([Deployment.open(undefined), Deployment.open(undefined)]);
    const [redirect, worker] = await Promise.all([
      source.start('redirect'),
      source.start('worker'),
      source.start('api'),
    ]);
    full = await fullTenant(source, redirect);
    before = await answers(full.tenant);
    // No request after this one: it would note when its key was used last.
    ({ slug } = (await full.tenant.get<{ slug: string }>('/v1/tenant')).body);
    // So that the two databases can be compared: a worker would go on chaining and erasing.
    await source.stop(worker);
  }, 120_000);
  afterAll(async () => {
    await source.close();
    await target.close();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const command = async (deployment: Deployment, args: string): Promise<string> => {
    const { exited, output } = spawnWaypost({ ...deployment.env, DATA_DIR: folder }, `dist/waypost.js tenants ${args}`);
    return `${await exited}: ${output()}`;
  };

  /** As the server writes them, so that nothing is lost in between. */
  const rowsOf = async ({ postgres }: Deployment, table: string): Promise<string[]> => {
    const client = new pg.Client({ connectionString: postgres.adminUrl });
    await client.connect();
    const left = Object.keys(NOT_CARRIED_COLUMNS[table as 'clicks'] ?? {});
    const owner = table === 'tenants' ? 'id' : 'tenant_id';
    const own = `(SELECT id FROM tenants WHERE slug = $1)`;
    const { rows } = await client.query<{ row: string }>(
      `SELECT (to_jsonb(t) - $2::text[])::text AS row FROM ${table} t WHERE ${owner} = ${own} ORDER BY 1`,
      [slug, left],
    );
    await client.end();
    return rows.map(({ row }) => row);
  };

  it('is not exported with its trail but without a passphrase', async () => {
    expect(await command(source, `export ${full.tenant.tenantId} --out ${file}`)).toMatch(/^2: .*--passphrase-file/);
    expect(await command(source, `export nobody --out ${file} --no-audit`)).toMatch(/^1: There is no such tenant/);
  }, 60_000);

  it('has all its rows in the file, whose secrets nobody can read', async () => {
    const told = await command(
      source,
      `export ${full.tenant.tenantId} --out ${file} --passphrase-file ${passphrase} --json`,
    );
    expect(told).toMatch(/^0: /);
    const { rows } = JSON.parse(told.slice(3)) as { rows: Record<string, number> };
    const empty = Object.entries(rows).filter(([, count]) => count === 0).map(([table]) => table); // prettier-ignore
    // Sums of longer times come later than this test, and nobody was removed or has expired clicks.
    expect(
      empty.filter((table) => !/_spans$|removed_identities|erased_clicks|click_erasures|audit_pending/.test(table)),
    ).toEqual([]);
    for (const table of CARRIED) expect([table, rows[table]]).toEqual([table, (await rowsOf(source, table)).length]);
    const text = gunzipSync(await readFile(file)).toString();
    expect(text).not.toContain(full.tenant.apiKey);
    expect(text).not.toContain(source.env.SECRET_KEY);
    expect(await command(source, `export ${full.tenant.tenantId} --out ${file} --no-audit`)).toMatch(
      /^1: .* is there already/,
    );
  }, 60_000);

  it('is not imported with another passphrase, from a file that was changed or cut, or from none', async () => {
    const wrong = join(folder, 'wrong');
    await writeFile(wrong, 'another passphrase');
    expect(await command(target, `import ${file} --passphrase-file ${wrong}`)).toMatch(/^1: The passphrase does not open/);
    const whole = await readFile(file);
    const text = gunzipSync(whole).toString();
    const bad = join(folder, 'bad');
    for (const [content, reason] of [
      [gzipSync(text.replace('"url":"https://example.com/"', '"url":"https://evil.example/"')), /is not what was exported/],
      [gzipSync(text.split('\n').filter((line) => !line.startsWith('{"tags"')).join('\n')), /is not what was exported \(tags\)/],
      [gzipSync(text.split('\n').slice(0, -2).join('\n')), /ends before its end/],
      [gzipSync(text.replace(/^\{"link_usage".*$/m, '{"pg_authid":{}}')), /a line that is no row/],
      [gzipSync(text.replace(/"tenant_id":"[^"]+"/, '"tenant_id":"01890000-0000-7000-8000-000000000000"')), /refuses rows of domains.*row-level security/],
      [gzipSync(text.replace('"format":1', '"format":9')), /has format 9/],
      [gzipSync(text.replace('"columns":{"tenants":["id"', '"columns":{"tenants":["id","later"')), /does not know tenants \(later\)/],
      [whole.subarray(0, whole.length - 30), /can not be read to its end/],
      [Buffer.from('no file of ours'), /can not be read to its end/],
    ] as const) {
      await writeFile(bad, content);
      const told = await command(target, `import ${bad} --passphrase-file ${passphrase}`);
      expect(told).toMatch(/^1: /);
      expect(told).toMatch(reason);
    }
    for (const table of CARRIED) expect([table, await rowsOf(target, table)]).toEqual([table, []]);
  }, 120_000); // prettier-ignore

  it('is there with every row as it was', async () => {
    const told = await command(target, `import ${file} --passphrase-file ${passphrase}`);
    expect(told).toMatch(/^0: Imported \d+ rows of /);
    for (const table of CARRIED) {
      const [left, right] = [await rowsOf(source, table), await rowsOf(target, table)];
      // That it was imported is an event of its own.
      const news = right.filter((row) => !left.includes(row));
      expect([table, left.filter((row) => !right.includes(row))]).toEqual([table, []]);
      expect([table, news.length]).toEqual([table, ['audit_events', 'audit_pending'].includes(table) ? 1 : 0]);
    }
    expect((await rowsOf(target, 'audit_events')).filter((row) => row.includes('"tenant.imported"'))).toHaveLength(1);
  }, 60_000);

  it('is not imported a second time, nor over a tenant with its slug or hostname', async () => {
    expect(await command(target, `import ${file} --passphrase-file ${passphrase}`)).toMatch(/^1: The tenant tnt_\w+ is here already/);
    const other = join(folder, 'other');
    const text = gunzipSync(await readFile(file)).toString();
    const id = /"tenant":\{"id":"([^"]+)"/.exec(text)?.[1] ?? '';
    const renamed = text.replaceAll(id, id.replace(/^.{8}/, '01890000'));
    await writeFile(other, gzipSync(renamed));
    expect(await command(target, `import ${other} --passphrase-file ${passphrase}`)).toMatch(/^1: Another tenant here has the slug/);
    await writeFile(other, gzipSync(renamed.replace(/"slug":"[^"]+"/, '"slug":"free"')));
    expect(await command(target, `import ${other} --passphrase-file ${passphrase}`)).toContain(`1: Other tenants here have the hostnames ${full.tenant.domain}`);
  }, 60_000); // prettier-ignore

  it('redirects, answers alike, proves its trail, and adds up', async () => {
    await target.start('api');
    const tenant = new Caller(full.tenant.apiKey, target.api);
    expect(await answers(tenant)).toEqual(before);
    const [redirect] = await Promise.all([target.start('redirect'), target.start('worker')]);
    const seen = await follow(redirect, full.tenant.domain, full.link.key);
    expect([seen.status, seen.headers.location]).toEqual([302, full.link.url]);
    expect((await follow(redirect, full.tenant.domain, full.hidden.key)).status).toBe(404);
    // The visit above counts.
    await eventually(
      async () => (await tenant.get<{ clicks: number }>(`/v1/links/${full.link.id}`)).body.clicks,
      (clicks) => clicks === full.link.clicks + 21,
      60,
    );
    // That somebody looks is an event itself, and waits.
    const trail = await eventually(() => verified(tenant), ({ pending }) => pending <= 1, 30); // prettier-ignore
    expect(trail).toMatchObject({ intact: true, firstBreak: null });
    expect(trail.checked).toBeGreaterThan(10);
    const again = await tenant.link();
    expect((await follow(redirect, again.domain, again.key)).status).toBe(302);
    const { data } = (await tenant.get<{ data: Array<{ action: string }> }>('/v1/audit-events?action=tenant.imported'))
      .body;
    expect(data).toHaveLength(1);
    const reconciled = spawnWaypost({ ...target.env, DATA_DIR: redirect.dataDir }, 'dist/waypost.js reconcile --json');
    expect([await reconciled.exited, (JSON.parse(reconciled.output()) as { drift: string[] }).drift]).toEqual([0, []]);
  }, 120_000);

  it('goes without its trail where its keys are not to leave', async () => {
    const [without, third] = [join(folder, 'without'), await Deployment.open(undefined)];
    try {
      expect(await command(source, `export ${full.tenant.tenantId} --out ${without} --no-audit`)).toMatch(/^0: /);
      expect(await command(third, `import ${without}`)).toMatch(/^0: /);
      expect(await rowsOf(third, 'links')).toEqual(await rowsOf(source, 'links'));
      expect((await rowsOf(third, 'audit_events')).map((row) => /"action": "([^"]+)"/.exec(row)?.[1])).toEqual(['tenant.imported']);
      for (const table of AUDIT.slice(1, 3)) expect(await rowsOf(third, table)).toEqual([]);
    } finally {
      await third.close();
    }
  }, 120_000); // prettier-ignore
});
