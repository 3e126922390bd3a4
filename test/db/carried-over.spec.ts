import { cp, mkdir, mkdtemp, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import pg from 'pg';
import { SCOPES } from '../../src/identity/permissions.js';
import { migrate } from '../../src/platform/database/migrate.js';
import { newId } from '../../src/platform/ids.js';
import { describeOnOneServer } from '../support/on-one-server.js';
import { OwnPostgres } from '../support/own-postgres.js';
import { removeData } from '../support/waypost-process.js';

const MIGRATIONS = join(import.meta.dirname, '../../dist/migrations');
/** The first migration that knows more of a click than its link. */
const DIMENSIONS = '1795476000000';

const OLD_SCOPES = [
  'links:read', 'links:write', 'domains:read', 'domains:write', 'analytics:read', 'audit:read', 'api-keys:read',
  'api-keys:write', 'tenant:read', 'tenant:write',
]; // prettier-ignore

describeOnOneServer('what was there before', () => {
  const [tenant, domain, link, deleted] = [newId(), newId(), newId(), newId()];
  let dataDir: string;
  let postgres: OwnPostgres;
  let client: pg.Client;

  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'waypost-carried-'));
    postgres = await OwnPostgres.start(dataDir);
    client = new pg.Client({ connectionString: postgres.adminUrl });
    await client.connect();
  }, 60_000);
  afterAll(async () => {
    await client.end();
    await postgres.stop();
    await removeData(dataDir);
  });

  const run = (migrations: string): Promise<string[]> => {
    const [app, ingest, resolver] = ['waypost_app', 'waypost_ingest', 'waypost_resolver'].map((role) =>
      postgres.urlFor(role),
    ) as [string, string, string];
    const urls = { owner: postgres.adminUrl, app, ingest, resolver, replica: undefined };
    return migrate(urls, { migrations, hashPartitions: 2 });
  };

  /** Those of the version before, in a folder beside the others, so that they find what they import. */
  async function earlier(): Promise<string> {
    const folder = join(dataDir, 'dist/migrations');
    await mkdir(folder, { recursive: true });
    for (const name of await readdir(MIGRATIONS)) {
      if (name < DIMENSIONS || name === 'support')
        await cp(join(MIGRATIONS, name), join(folder, name), { recursive: true });
    }
    await cp(join(MIGRATIONS, '../../package.json'), join(dataDir, 'package.json'));
    return folder;
  }

  async function count(): Promise<void> {
    const now = 'now(), now()';
    await client.query(`INSERT INTO tenants (id, name, slug, created_at, updated_at) VALUES ($1, 'a', 'a', ${now})`, [
      tenant,
    ]);
    await client.query(
      `INSERT INTO domains (tenant_id, id, hostname, is_primary, case_sensitive, code_length, verification_token, created_at, updated_at)
       VALUES ($1, $2, 'go.example', true, true, 7, 't', ${now})`,
      [tenant, domain],
    );
    await client.query(
      `INSERT INTO links (tenant_id, id, domain_id, key, url, redirect_status, forward_query, archived, created_by, created_at, updated_at)
       VALUES ($1, $2, $3, 'k', 'u', 302, false, false, 'x', ${now})`,
      [tenant, link, domain],
    );
    await client.query(
      `INSERT INTO click_rollups (tenant_id, link_id, bucket, clicks)
       VALUES ($1, $2, '2026-11-20 23:45Z', 5), ($1, $2, '2026-11-21 00:00Z', 2), ($1, $3, '2026-11-21 00:00Z', 4)`,
      [tenant, link, deleted],
    );
  }

  async function giveKeys(): Promise<void> {
    for (const [name, scopes] of Object.entries({ owner: OLD_SCOPES, other: OLD_SCOPES.slice(1) })) {
      await client.query(
        `INSERT INTO api_keys (tenant_id, id, name, hint, secret_hash, scopes, created_by, created_at)
         VALUES ($1, $2, $3, 'h', decode($3, 'escape'), $4, 'x', now())`,
        [tenant, newId(), name, scopes],
      );
    }
  }

  const rows = async (sql: string): Promise<unknown[][]> =>
    (await client.query({ text: sql, rowMode: 'array' })).rows as unknown[][];

  it('stays: clicks are in all rollups, those of deleted links are to be erased, and who may do all still may', async () => {
    await run(await earlier());
    await count();
    await giveKeys();
    expect((await run(MIGRATIONS)).length).toBeGreaterThan(0);

    expect(await rows(`SELECT bucket, clicks FROM tenant_rollups ORDER BY bucket`)).toEqual([
      [new Date('2026-11-20T23:45Z'), '5'],
      [new Date('2026-11-21T00:00Z'), '6'],
    ]);
    for (const table of ['breakdown_rollups', 'click_days']) {
      const sums = await rows(`SELECT dimension, sum(clicks) FROM ${table} GROUP BY 1`);
      expect(sums).toHaveLength(16);
      expect(new Set(sums.map(([, sum]) => sum))).toEqual(new Set(['11']));
    }
    expect(
      await rows(`SELECT day::text, value, clicks FROM click_days WHERE dimension = 'domain_id' ORDER BY 1, 2`),
    ).toEqual([
      ['2026-11-20', domain, '5'],
      ['2026-11-21', '', '4'],
      ['2026-11-21', domain, '2'],
    ]);
    expect(await rows(`SELECT link_id FROM click_erasures`)).toEqual([[deleted]]);
    expect(await rows(`SELECT name, scopes FROM api_keys ORDER BY name DESC`)).toEqual([
      ['owner', expect.arrayContaining([...SCOPES])],
      ['other', OLD_SCOPES.slice(1)],
    ]);
    expect(await rows(`SELECT relname FROM pg_class WHERE relrowsecurity AND NOT relforcerowsecurity`)).toEqual([]);
  }, 60_000);
});
