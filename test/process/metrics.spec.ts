import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { newApiKeyText } from '../../src/identity/api-key-text.js';
import { newId } from '../../src/platform/ids.js';
import { type Customer, Deployment, type RoleProcess } from '../support/deployment.js';
import { scrape, seriesOf } from '../support/scrape.js';
import { Visitor } from '../support/visitor.js';
import { Caller, eventually, type LinkBody } from '../support/waypost.js';

const ROOT = join(import.meta.dirname, '../..');
const TENANTS = 1_000;
const LINKS = 10_000;
/** As many as the redirect role has connections to its database: each link here is a look-up. */
const AT_ONCE = 8;

const OPENMETRICS = 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5';

describe('metrics', () => {
  let deployment: Deployment;
  let tenant: Customer;
  let link: LinkBody;
  const roles = {} as Record<'api' | 'redirect' | 'worker', RoleProcess>;
  const opsOf = (): string[] => Object.values(roles).map(({ ops }) => ops);

  beforeAll(async () => {
    deployment = await Deployment.open(21);
    for (const role of ['api', 'redirect', 'worker'] as const) roles[role] = await deployment.start(role);
    tenant = await deployment.newTenant();
    link = await tenant.link();
  }, 90_000);
  afterAll(async () => {
    const codes = await deployment.close();
    expect(codes).toEqual(codes.map(() => 0));
  }, 60_000);

  const document = (): Promise<string> => readFile(join(ROOT, 'docs/metrics.md'), 'utf8');

  /** Everything that the load below does, once: what is asked for the first time has no series before. */
  async function warmUp(): Promise<void> {
    const visitor = new Visitor({ port: roles.redirect.port });
    for (const path of [`/${link.key}`, '/nowhere']) await visitor.get(tenant.domain, path);
    visitor.leave();
    expect((await tenant.get('/v1/links?limit=1')).status).toBe(200);
    await eventually(() => storedClicks(), (stored) => stored > 0, 60); // prettier-ignore
  }
  const storedClicks = async (): Promise<number> =>
    Number(/^waypost_clicks_stored_total (\d+)$/m.exec(await scrape(roles.worker.ops))?.[1]);

  it('are in docs/metrics.md as npm run metrics-doc writes it, which needs no database', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'waypost-metrics-'));
    const file = join(directory, 'metrics.md');
    await promisify(execFile)(join(ROOT, 'node_modules/.bin/node'), ['dist/metrics-doc.js', file], {
      cwd: ROOT,
      env: { PATH: process.env.PATH, HOME: directory },
    });
    const written = await readFile(file, 'utf8');
    await rm(directory, { recursive: true });
    expect(await document()).toBe(written);
  });

  it('are shown under the names, the types and in the roles that the document has', async () => {
    await warmUp();
    const documented = await document();
    for (const [role, { ops }] of Object.entries(roles)) {
      const text = await scrape(ops);
      const types = [...text.matchAll(/^# TYPE (waypost_\w+) (\w+)$/gm)].map(([, name, type]) => `${name} ${type}`);
      expect(types.length).toBeGreaterThan(40);
      const known = [...documented.matchAll(/^### `(\w+)`$[^#]*?- Type: (\w+)$/gm)];
      expect(types.toSorted()).toEqual(known.map(([, name, type]) => `${name} ${type}`).toSorted());
      // What has samples without a 0 in a role is of that role.
      const samples = [...text.matchAll(/^(waypost_\w+?)(?:_bucket|_sum|_count)?(?:\{.*\})? (?!0$)\S+$/gm)];
      const its = new Set(
        [...documented.matchAll(/^### `(\w+)`$[^#]*?- Roles: (.+)$/gm)]
          .filter(([, , named]) => named?.split(', ').includes(role))
          .map(([, name]) => name),
      );
      expect([...new Set(samples.map(([, name]) => name))].filter((name) => !its.has(name))).toEqual([]);
    }
  }, 90_000);

  it('say what the processes hold, how far upkeep is, and what they are', async () => {
    const worker = await eventually(
      () => scrape(roles.worker.ops),
      (text) => /^waypost_upkeep_last_success_timestamp_seconds\{task="reconcile-ledger"\}/m.test(text),
      60,
    );
    const value = (series: string): number =>
      Number(worker.split('\n').find((line) => line.startsWith(`${series} `))?.slice(series.length)); // prettier-ignore
    expect(value('waypost_click_partitions_ahead_months')).toBe(3);
    expect(value('waypost_ledger_missing_segments')).toBe(0);
    for (const check of ['segments', 'days', 'rollups']) expect(value(`waypost_ledger_drift_clicks{check="${check}"}`)).toBe(0); // prettier-ignore
    expect(value('waypost_upkeep_interval_seconds{task="reconcile-ledger"}')).toBe(3_600);
    expect(value('waypost_database_pool_size{pool="ingest"}')).toBe(4);
    expect(value('waypost_queue_jobs{queue="clicks",state="failed"}')).toBe(0);
    for (const queue of ['clicks', 'upkeep']) expect(value(`waypost_queue_oldest_job_age_seconds{queue="${queue}"}`)).toBeLessThan(60); // prettier-ignore
    expect(value('waypost_outbox_events')).toBeLessThan(10);
    const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
    for (const [role, { ops }] of Object.entries(roles)) {
      expect(await scrape(ops)).toMatch(
        new RegExp(`^waypost_build_info\\{version="${version}",role="${role}",node="v[0-9.]+"\\} 1$`, 'm'),
      );
    }
  }, 90_000);

  it('show how old clicks were when they were stored, each once', async () => {
    const worker = await scrape(roles.worker.ops);
    expect(/^waypost_click_freshness_seconds_count (\d+)$/m.exec(worker)?.[1]).toBe(String(await storedClicks()));
  });

  it('are given in OpenMetrics with the ids of sampled traces to whom takes it', async () => {
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const traceparent = (flags: string): Record<string, string> => ({
      traceparent: `00-${traceId}-b7ad6b7169203331-${flags}`,
    });
    await tenant.get(`/v1/links/${link.id}`, { headers: traceparent('00') });
    expect(await scrape(roles.api.ops, OPENMETRICS)).not.toContain(traceId);
    await tenant.get(`/v1/links/${link.id}`, { headers: traceparent('01') });
    const text = await scrape(roles.api.ops, OPENMETRICS);
    expect(text).toMatch(
      new RegExp(
        `^waypost_api_request_duration_seconds_bucket\\{le="[0-9.]+",method="GET",route="/v1/links/:id",status="200"\\} \\d+ # \\{trace_id="${traceId}"\\} [0-9.]+ [0-9.]+$`,
        'm',
      ),
    );
    expect(text.endsWith('# EOF\n')).toBe(true);
    expect(text).toContain('# TYPE waypost_links_created counter\nwaypost_links_created_total 1\n');
    expect(await scrape(roles.api.ops)).not.toContain(traceId);
  });

  it('have as many series after ten thousand links and a thousand tenants as before', async () => {
    await eventually(() => scrape(roles.worker.ops), hasDoneAllUpkeep, 60);
    const before = await Promise.all(opsOf().map(lasting));
    const crowd = await makeTenants(deployment.postgres.adminUrl);
    await inTurns(crowd, async ({ apiKey }, caller) => {
      expect((await caller(apiKey).get('/v1/links?limit=1')).status).toBe(200);
    });
    const stored = await storedClicks();
    await visitAll(crowd);
    await eventually(() => storedClicks(), (now) => now >= stored + LINKS, 60); // prettier-ignore
    const after = await Promise.all(opsOf().map(lasting));
    expect(after).toEqual(before);
    expect(after.flat().length).toBeGreaterThan(500);
  }, 180_000);

  /** On a busy machine the last of the tasks may come later than the tests before. */
  const hasDoneAllUpkeep = (text: string): boolean => {
    const tasksIn = (series: string): string[] =>
      Array.from(
        text.matchAll(new RegExp(`^waypost_upkeep_${series}\\{task="([^"]+)"`, 'gm')),
        ([, task = '']) => task,
      );
    const done = tasksIn('last_success_timestamp_seconds');
    return done.length > 0 && tasksIn('interval_seconds').every((task) => done.includes(task));
  };

  /** Kinds of garbage collections and of handles come as they are met, and 503 on a busy machine, with one link or many. */
  const lasting = async (ops: string): Promise<string[]> =>
    (await seriesOf(ops)).filter((one) => !/^nodejs_(gc_duration|active)_|status="503"/.test(one)).toSorted();

  async function inTurns<T>(
    all: T[],
    work: (one: T, caller: (apiKey: string) => Caller) => Promise<void>,
  ): Promise<void> {
    const left = [...all];
    const caller = (apiKey: string): Caller => new Caller(apiKey, `http://127.0.0.1:${roles.api.ports.PORT}`);
    await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        for (let one = left.pop(); one !== undefined; one = left.pop()) await work(one, caller);
      }),
    );
  }

  async function visitAll(crowd: Made[]): Promise<void> {
    const visits = crowd.flatMap(({ host }) => Array.from({ length: LINKS / TENANTS }, (_, n) => [host, `/k${n + 1}`]));
    const visitors = Array.from({ length: AT_ONCE }, () => new Visitor({ port: roles.redirect.port }));
    await Promise.all(
      visitors.map(async (visitor) => {
        for (let next = visits.pop(); next; next = visits.pop()) {
          const [host = '', path = ''] = next;
          const answer = () => visitor.get(host, path).then(({ status }) => status);
          // A machine that is busy with other things may not look a link up in time, and says so.
          expect(await eventually(answer, (status) => status !== 503, 20)).toBe(302);
        }
        visitor.leave();
      }),
    );
  }
});

interface Made {
  id: string;
  host: string;
  apiKey: string;
}

/** Tenants with a domain, an API key and links each: through the API it would take minutes. */
async function makeTenants(adminUrl: string): Promise<Made[]> {
  const made = Array.from({ length: TENANTS }, (_, n): Made => {
    const id = newId();
    return { id, host: `crowd-${n}.example`, apiKey: newApiKeyText(id) };
  });
  const admin = new pg.Client({ connectionString: adminUrl });
  await admin.connect();
  const rows = made.map(({ id, host, apiKey }) => ({
    id,
    host,
    hash: `\\x${createHash('sha256').update(apiKey).digest('hex')}`,
  }));
  try {
    await admin.query(`CREATE TEMPORARY TABLE crowd AS SELECT * FROM json_to_recordset($1) AS one (id uuid, host text, hash bytea)`, [JSON.stringify(rows)]); // prettier-ignore
    await admin.query(`
      INSERT INTO tenants (id, name, slug, created_at, updated_at) SELECT id, host, replace(host, '.', '-'), now(), now() FROM crowd;
      INSERT INTO domains (tenant_id, id, hostname, is_primary, case_sensitive, code_length, verification_token, verified_at, created_at, updated_at)
      SELECT id, id, host, true, false, 7, host, now(), now(), now() FROM crowd;
      INSERT INTO api_keys (tenant_id, id, name, hint, secret_hash, scopes, created_by, created_at)
      SELECT id, id, 'Crowd', 'abcd', hash, ARRAY['links:read'], 'x', now() FROM crowd;
      INSERT INTO links (tenant_id, id, domain_id, key, url, redirect_status, forward_query, archived, created_by, created_at, updated_at)
      SELECT id, gen_random_uuid(), id, 'k' || n, 'https://example.com/', 302, false, false, 'x', now(), now()
      FROM crowd, generate_series(1, ${LINKS / TENANTS}) AS n;
      INSERT INTO link_stats (tenant_id, link_id, clicks) SELECT tenant_id, links.id, 0 FROM links JOIN crowd ON crowd.id = tenant_id`);
  } finally {
    await admin.end();
  }
  return made;
}
