import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { asRole, databaseUrl } from '../support/database.js';
import { DatabaseTap } from '../support/database-tap.js';
import { metric } from '../support/metrics.js';
import {
  type Answer,
  eventually,
  type LinkBody,
  newTenant,
  request,
  type Tenant,
  underTest,
  unique,
} from '../support/waypost.js';
import { freePorts, spawnWaypost, type WaypostProcess } from '../support/waypost-process.js';

/** What the resolver reads, and which rows of it belong to a domain. */
const READ = {
  resolver_domains: 'hostname = $1',
  resolver_links: 'domain_id = (SELECT domain_id FROM resolver_domains WHERE hostname = $1)',
  link_stats: `link_id IN (SELECT link_id FROM resolver_links JOIN resolver_domains USING (domain_id) WHERE hostname = $1)`,
};

/** What a replica that has stopped replaying shows for good: all this, as it is now. */
async function standStill(database: string, { domain }: Tenant): Promise<string> {
  const replica = (await databaseUrl('postgres')).replace('/waypost?', `/${database}?`);
  await asRole('postgres', async (primary) => {
    await primary.query(`CREATE DATABASE ${database}`);
    const client = new pg.Client({ connectionString: replica });
    await client.connect();
    try {
      for (const [table, ofDomain] of Object.entries(READ)) {
        const { rows: columns } = await primary.query<{ text: string }>(
          `SELECT string_agg(format('%I %s', attname, format_type(atttypid, atttypmod)), ', ' ORDER BY attnum) AS text
           FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0`,
          [table],
        );
        const { rows } = await primary.query<{ all: unknown }>(
          `SELECT json_agg(v) AS all FROM ${table} v WHERE ${ofDomain}`,
          [domain],
        );
        await client.query(`CREATE TABLE ${table} (${columns[0]?.text})`);
        await client.query(`INSERT INTO ${table} SELECT * FROM json_populate_recordset(NULL::${table}, $1)`, [
          JSON.stringify(rows[0]?.all),
        ]);
        await client.query(`GRANT SELECT ON ${table} TO waypost_resolver`);
      }
    } finally {
      await client.end();
    }
  });
  return replica;
}

describe('a redirecting process with a replica that lags behind', () => {
  const database = unique('lagging_');
  let waypost: WaypostProcess;
  let dataDir: string;
  let primary: DatabaseTap;
  let ports: Awaited<ReturnType<typeof freePorts>>;
  let tenant: Tenant;
  let link: LinkBody;
  let other: LinkBody;

  const visit = (key: string): Promise<Answer<string>> =>
    request<string>('GET', `http://127.0.0.1:${ports.REDIRECT_PORT}/${key}`, { headers: { host: tenant.domain } });
  const asked = (server: string): Promise<number> =>
    metric(`http://127.0.0.1:${ports.OPS_PORT}`, 'waypost_resolver_queries_total', { server });

  beforeAll(async () => {
    tenant = await newTenant();
    [link, other] = [await tenant.link(), await tenant.link()];
    dataDir = await mkdtemp(join(tmpdir(), 'waypost-replica-'));
    const resolver = await databaseUrl('waypost_resolver');
    primary = await DatabaseTap.open(resolver);
    ports = await freePorts();
    waypost = spawnWaypost({
      ...ports,
      APP_ROLE: 'redirect',
      HOST: '127.0.0.1',
      DATA_DIR: dataDir,
      DATABASE_URL: await databaseUrl('waypost_app'),
      DATABASE_RESOLVER_URL: primary.through(resolver),
      DATABASE_REPLICA_URL: await standStill(database, tenant),
      SECRET_KEY: (await readFile(join(underTest.dataDir, 'secret-key'), 'utf8')).trim(),
      PLATFORM_KEY: underTest.platformKey,
      SCAN_LIMIT_PER_SECOND: '0',
      LOG_LEVEL: 'info',
    });
    await eventually(
      async () => waypost.output(),
      (output) => output.includes('Waypost is running'),
      30,
    );
    // For a while after the bus has opened, everything may have changed, and only the primary is believed.
    await eventually(
      () => metric(`http://127.0.0.1:${ports.OPS_PORT}`, 'waypost_cache_invalidations_total', { cause: 'gap' }),
      (gaps) => gaps > 0,
      30,
    );
    await eventually(
      async () => {
        const before = await asked('replica');
        await visit(unique());
        return (await asked('replica')) > before;
      },
      (fromReplica) => fromReplica,
      40,
    );
  }, 90_000);

  afterAll(async () => {
    waypost.child.kill('SIGTERM');
    expect(await waypost.exited).toBe(0);
    primary.close();
    await asRole('postgres', (client) => client.query(`DROP DATABASE ${database}`));
    await rm(dataDir, { recursive: true, force: true });
  }, 30_000);

  it('asks the replica for what nobody has changed', async () => {
    const before = await asked('primary');
    expect((await visit(link.key)).headers.location).toBe(link.url);
    expect(await asked('primary')).toBe(before);
  });

  it('has an edit in force within 2 s, and goes on showing it', async () => {
    const url = `https://example.com/${unique()}`;
    await tenant.patch(`/v1/links/${link.id}`, { url });
    await eventually(
      () => visit(link.key),
      ({ headers }) => headers.location === url,
      2,
    );
    expect((await visit(link.key)).headers.location).toBe(url);
  });

  it('shows a new link within 2 s, though it was asked for before', async () => {
    const key = unique();
    expect((await visit(key)).status).toBe(404);
    await tenant.link({ key });
    await eventually(
      () => visit(key),
      ({ status }) => status === 302,
      2,
    );
    expect((await visit(key)).status).toBe(302);
  });

  it('shows what the replica knows of a link just changed, while the primary is away', async () => {
    const url = `https://example.com/${unique()}`;
    await tenant.patch(`/v1/links/${other.id}`, { url });
    await tenant.patch(`/v1/links/${link.id}`, { url });
    // Changes are heard of in order: of the other one, too.
    await eventually(
      () => visit(link.key),
      ({ headers }) => headers.location === url,
      2,
    );
    primary.close();
    expect((await visit(other.key)).headers.location).toBe(other.url);
  });
});
