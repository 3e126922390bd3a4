import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import type { Finding } from '../../src/operate/doctor/finding.js';
import { FINDING_IDS } from '../../src/operate/doctor/finding.js';
import { newId } from '../../src/platform/ids.js';
import { CITUS_BIN } from '../support/citus-cluster.js';
import { itOnOneServer } from '../support/on-one-server.js';
import { startDnsServer, type DnsServer } from '../support/dns-server.js';
import { OwnPostgres } from '../support/own-postgres.js';
import { itWithPgBouncer, PgBouncer } from '../support/pgbouncer.js';
import { describeWithRedis } from '../support/describe-with-redis.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { WatchedRedis } from '../support/redis-sentinels.js';
import { RedisServer } from '../support/redis-server.js';
import { freePort } from '../support/free-port.js';
import { removeData, spawnWaypost } from '../support/waypost-process.js';

/** Of this month's clicks, where there is no other. */
const PARTITION =
  CITUS_BIN === undefined ? 'links_p03' : `clicks_${new Date().toISOString().slice(0, 7).replace('-', '_')}`;

let dataDir: string;
let postgres: OwnPostgres;
let dns: DnsServer;
let admin: pg.Client;
let env: Record<string, string>;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'waypost-doctor-'));
  [postgres, dns] = await Promise.all([OwnPostgres.start(dataDir), startDnsServer()]);
  env = {
    REDIS_URL: '',
    DATABASE_OWNER_URL: postgres.adminUrl,
    DATABASE_URL: postgres.urlFor('waypost_app'),
    DATABASE_INGEST_URL: postgres.urlFor('waypost_ingest'),
    DATABASE_RESOLVER_URL: postgres.urlFor('waypost_resolver'),
    DNS_SERVERS: dns.address,
    SECRET_KEY: randomBytes(32).toString('base64'),
    PLATFORM_KEY: randomBytes(32).toString('base64'),
    SPOOL_MAX_MB: '1',
    DATA_DIR: join(dataDir, 'data'),
  };
  expect(await spawnWaypost(env, 'dist/waypost.js migrate').exited).toBe(0);
  admin = new pg.Client({ connectionString: postgres.adminUrl });
  await admin.connect();
}, 90_000);
afterAll(async () => {
  await admin.end();
  dns.close();
  await postgres.stop();
  await removeData(dataDir);
});

interface Told {
  code: unknown;
  findings: Finding[];
  ids: string[];
}

async function doctor(more: Record<string, string> = {}): Promise<Told> {
  const { exited, child } = spawnWaypost({ ...env, ...more }, 'dist/waypost.js doctor --json');
  let text = '';
  child.stdout?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const code = await exited;
  const { findings } = JSON.parse(text) as { findings: Finding[] };
  return { code, findings, ids: findings.map(({ id }) => id).toSorted() };
}

/** Breaks something, looks, and mends it. */
async function broken(break_: string, mend: string, more?: Record<string, string>): Promise<Told> {
  await admin.query(break_);
  try {
    return await doctor(more);
  } finally {
    await admin.query(mend);
  }
}

const thisMonth = new Date();
const tableOf = (ahead: number): string =>
  `clicks_${new Date(Date.UTC(thisMonth.getUTCFullYear(), thisMonth.getUTCMonth() + ahead)).toISOString().slice(0, 7).replace('-', '_')}`;

describe('waypost doctor', () => {
  it('finds nothing in a sound set-up', async () => {
    expect(await doctor()).toEqual({ code: 0, findings: [], ids: [] });
    const { exited, output } = spawnWaypost(env, 'dist/waypost.js doctor');
    expect(`${await exited}: ${output()}`).toMatch(/^0: Nothing to mend: \d+ checks\n$/);
  }, 60_000);

  it('names the month that clicks have no place in', async () => {
    const { code, findings } = await broken(`DROP TABLE ${tableOf(1)}`, 'SELECT make_click_partitions(now()::date, 4)');
    expect(code).toBe(3);
    expect(findings).toEqual([
      expect.objectContaining({
        id: 'partition_missing',
        severity: 'error',
        what: expect.stringContaining(tableOf(1).slice(7).replace('_', '-')),
        mend: expect.stringContaining('waypost partitions make'),
        docs: 'https://waypost.dev/doctor#partition_missing',
      }),
    ]);
  }, 60_000);

  it('names months that should be gone', async () => {
    await admin.query(`SELECT make_click_partitions('2020-03-01', 2)`);
    const found = await doctor();
    expect(found.ids).toEqual(['partition_expired']);
    expect(found.findings[0]?.what).toContain('2020-03, 2020-04');
    const dropped = spawnWaypost(env, 'dist/waypost.js partitions drop --json');
    await dropped.exited;
    expect(JSON.parse(dropped.output())).toEqual({ dropped: ['2020-03', '2020-04'], expired: ['2020-03', '2020-04'] });
    expect((await doctor()).ids).toEqual([]);
  }, 60_000);

  it.each([
    ['role_superuser', 'ALTER ROLE waypost_app SUPERUSER', 'ALTER ROLE waypost_app NOSUPERUSER', 'waypost_app'],
    ['role_bypasses_rls', 'ALTER ROLE waypost_resolver BYPASSRLS', 'ALTER ROLE waypost_resolver NOBYPASSRLS', 'waypost_resolver'],
    ['rls_missing', 'ALTER TABLE members NO FORCE ROW LEVEL SECURITY', 'ALTER TABLE members FORCE ROW LEVEL SECURITY', 'members'],
    ['rls_missing', `ALTER TABLE ${PARTITION} DISABLE ROW LEVEL SECURITY`, `ALTER TABLE ${PARTITION} ENABLE ROW LEVEL SECURITY`, PARTITION],
    ['role_member', 'GRANT pg_read_all_data TO waypost_app', 'REVOKE pg_read_all_data FROM waypost_app', 'pg_read_all_data'],
    ['policy_open', 'CREATE POLICY all_of_them ON links USING (true)', 'DROP POLICY all_of_them ON links', 'all_of_them on links'],
    ['grant_public', 'GRANT SELECT ON links TO PUBLIC', 'REVOKE SELECT ON links FROM PUBLIC', 'links'],
    ['grant_on_partition', `GRANT SELECT ON ${PARTITION} TO waypost_app`, `REVOKE SELECT ON ${PARTITION} FROM waypost_app`, PARTITION],
    ['audit_not_append_only', 'GRANT DELETE ON audit_events TO waypost_app', 'REVOKE DELETE ON audit_events FROM waypost_app', 'audit_events'],
    ['grant_missing', 'REVOKE INSERT ON outbox FROM waypost_app', 'GRANT INSERT ON outbox TO waypost_app', 'INSERT on outbox'],
    ['role_owns', 'CREATE TABLE mine (id int); ALTER TABLE mine ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; CREATE POLICY own_tenant ON mine USING (false); ALTER TABLE mine OWNER TO waypost_ingest', 'DROP TABLE mine', 'mine'],
    ['queue_schema_missing', 'ALTER SCHEMA bullmq RENAME TO elsewhere', 'ALTER SCHEMA elsewhere RENAME TO bullmq', 'bullmq'],
  ])('names %s', async (id, break_, mend, what) => {
    const { code, findings } = await broken(break_, mend);
    expect(code).toBe(3);
    expect(findings.map((one) => [one.id, one.severity])).toEqual([[id, 'error']]);
    expect(findings[0]?.what).toContain(what);
  }, 60_000); // prettier-ignore

  itOnOneServer(
    'names a partition whose policy is gone',
    async () => {
      const policy = (
        await admin.query<{ using: string }>(
          `SELECT pg_get_expr(polqual, polrelid) AS using FROM pg_policy WHERE polrelid = 'tags_p00'::regclass`,
        )
      ).rows[0]?.using;
      const { ids, findings } = await broken(
        'DROP POLICY own_tenant ON tags_p00',
        `CREATE POLICY own_tenant ON tags_p00 USING (${policy}) WITH CHECK (${policy})`,
      );
      expect(ids).toEqual(['policy_missing']);
      expect(findings[0]?.what).toContain('tags_p00');
    },
    60_000,
  );

  it('names migrations that are to be run, and those of a later version', async () => {
    const [last] = (
      await admin.query<{ id: number; timestamp: string; name: string }>(
        'SELECT * FROM schema_migrations ORDER BY id DESC LIMIT 1',
      )
    ).rows;
    const { findings } = await broken(
      `UPDATE schema_migrations SET timestamp = 9999999999999, name = 'FromLater' WHERE id = ${last?.id}`,
      `UPDATE schema_migrations SET timestamp = ${last?.timestamp}, name = '${last?.name}' WHERE id = ${last?.id}`,
    );
    expect(findings.map(({ id }) => id)).toEqual(['migration_pending', 'migration_unknown']);
    expect(findings[0]?.what).toContain(String(last?.timestamp));
    expect(findings[1]?.what).toContain('FromLater');
  }, 60_000);

  it('names changes that no worker carries, and short domains that lead nowhere', async () => {
    const [tenant, host] = [newId(), 'go.lost.example'];
    await admin.query(
      `INSERT INTO tenants (id, name, slug, created_at, updated_at) VALUES ('${tenant}', 'a', 'a', now(), now())`,
    );
    await admin.query(
      `INSERT INTO domains (tenant_id, id, hostname, is_primary, case_sensitive, code_length, verification_token, verified_at, created_at, updated_at)
       VALUES ('${tenant}', '${newId()}', '${host}', true, true, 7, 't', now(), now(), now())`,
    );
    await admin.query(
      `INSERT INTO outbox (tenant_id, id, topic, payload, created_at) VALUES ('${tenant}', '${newId()}', 'x', '{}', now() - interval '1 hour')`,
    );
    const lost = await doctor();
    expect(lost.ids).toEqual(['domain_unresolved', 'outbox_stuck']);
    expect(lost.findings.find(({ id }) => id === 'domain_unresolved')?.what).toContain(host);
    dns.hosts.set(host, () => ['192.0.2.1']);
    await admin.query('DELETE FROM outbox');
    expect((await doctor()).ids).toEqual([]);
    await admin.query(`DELETE FROM domains; DELETE FROM tenants`);
  }, 60_000);

  it('tells SECRET_KEY from another one, and what still needs the one before', async () => {
    const { rows } = await admin.query('SELECT 1 FROM deployment_keys');
    expect(rows).toEqual([]);
    const listed = spawnWaypost(env, 'dist/waypost.js tenants list');
    expect(await listed.exited).toBe(0);
    const another = randomBytes(32).toString('base64');
    expect((await doctor()).ids).toEqual([]);
    expect((await doctor({ SECRET_KEY: another })).ids).toEqual(['secret_key_other']);
    const rotating = { SECRET_KEY: another, SECRET_KEY_PREVIOUS: env.SECRET_KEY ?? '' };
    expect((await doctor(rotating)).ids).toEqual(['secret_key_previous_in_use']);
    expect((await doctor({ SECRET_KEY_PREVIOUS: env.SECRET_KEY ?? '' })).ids).toEqual(['secret_key_repeated']);
  }, 90_000);

  it('names what the machine lacks, and settings that do not fit', async () => {
    dns.records.set('waypost.invalid', 'silent');
    const { ids } = await doctor({
      SPOOL_MAX_MB: '1000000',
      GEO_DATABASE: join(dataDir, 'none.mmdb'),
      HASH_PARTITIONS: '8',
      DATABASE_REPLICA_URL: env.DATABASE_URL ?? '',
      DATABASE_INGEST_URL: postgres.adminUrl,
      DATABASE_RESOLVER_URL: `postgres://waypost_resolver:wrong@127.0.0.1:${await freePort()}/waypost`,
    });
    dns.records.delete('waypost.invalid');
    expect(ids).toEqual([
      'database_role_other',
      'database_unreachable',
      'dns_silent',
      'file_unreadable',
      ...(CITUS_BIN === undefined ? ['hash_partitions_ignored'] : []),
      'replica_not_standby',
      'spool_space_low',
    ]);
  }, 60_000);

  it.each(['api', 'redirect', 'worker'] as const)(
    'looks beside the role %s at what that one has',
    async (role) => {
      // As in the chart's pods, which know no other URLs. The redirect role's is the resolver's under both names.
      const { DATABASE_URL = '', DATABASE_INGEST_URL = '', DATABASE_RESOLVER_URL = '' } = env;
      const pods = {
        api: { DATABASE_URL, DATABASE_INGEST_URL: '', DATABASE_RESOLVER_URL: '' },
        redirect: { DATABASE_URL: DATABASE_RESOLVER_URL, DATABASE_INGEST_URL: '', DATABASE_RESOLVER_URL },
        worker: { DATABASE_URL, DATABASE_INGEST_URL, DATABASE_RESOLVER_URL: '' },
      };
      const { ids } = await doctor({ ...pods[role], APP_ROLE: role, DATABASE_OWNER_URL: '', SPOOL_MAX_MB: '1000000' });
      // Clicks wait with the redirect role alone.
      expect(ids).toEqual(role === 'redirect' ? ['spool_space_low'] : []);
    },
    60_000,
  );

  it('tries beside one role what a variable names besides', async () => {
    const wrong = `postgres://waypost_resolver:wrong@127.0.0.1:${await freePort()}/waypost`;
    expect((await doctor({ APP_ROLE: 'worker', DATABASE_RESOLVER_URL: wrong })).ids).toEqual(['database_unreachable']);
  }, 60_000);

  itWithPgBouncer(
    'names a pooler before a role that needs sessions of its own',
    async () => {
      const resolver = await PgBouncer.start(env.DATABASE_RESOLVER_URL ?? '');
      const app = await PgBouncer.start(env.DATABASE_URL ?? '');
      try {
        const { findings } = await doctor({ DATABASE_RESOLVER_URL: resolver.url, DATABASE_URL: app.url });
        expect(findings.map(({ id }) => id)).toEqual(['pooler_in_between']);
        expect(findings[0]?.mend).toContain('DATABASE_RESOLVER_URL');
      } finally {
        await Promise.all([resolver.stop(), app.stop()]);
      }
    },
    60_000,
  );

  it('says which variables are not usable', async () => {
    const { code, findings } = await doctor({ SECRET_KEY: 'short', REGION: '4' });
    expect(code).toBe(3);
    expect(findings).toEqual([
      expect.objectContaining({ id: 'config_invalid', what: expect.stringMatching(/SECRET_KEY: must be 32 bytes/) }),
    ]);
  });

  it('looks at an empty database without stumbling', async () => {
    await admin.query('CREATE DATABASE empty OWNER waypost_owner');
    const moved = Object.fromEntries(
      Object.entries(env)
        .filter(([, value]) => value.startsWith('postgres'))
        .map(([name, value]) => [name, Object.assign(new URL(value), { pathname: '/empty' }).href]),
    );
    const { code, ids } = await doctor(moved);
    expect(code).toBe(3);
    expect(ids).toContain('schema_missing');
    expect(ids).toContain('queue_schema_missing');
  }, 60_000);

  it('has each finding in its document', async () => {
    const text = await readFile(join(import.meta.dirname, '../../docs/doctor.md'), 'utf8');
    const documented = [...text.matchAll(/^### (\w+)$/gm)].map(([, id]) => id);
    expect(documented.toSorted()).toEqual(FINDING_IDS.toSorted());
  });
});

describeWithRedis('waypost doctor on Redis', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await RedisServer.start();
  }, 30_000);
  afterAll(() => redis.remove());

  it('finds nothing, and then that it evicts and keeps no file', async () => {
    expect(await doctor({ REDIS_URL: redis.url })).toEqual({ code: 0, findings: [], ids: [] });
    await redis.ask(async (client) => {
      await client.config('SET', 'maxmemory-policy', 'allkeys-lru');
      await client.config('SET', 'appendonly', 'no');
    });
    const { code, findings } = await doctor({ REDIS_URL: redis.url });
    expect(code).toBe(3);
    expect(findings.map(({ id, severity }) => [id, severity])).toEqual([
      ['redis_evicts', 'error'],
      ['redis_not_durable', 'warning'],
    ]);
    expect(findings[0]?.what).toContain('allkeys-lru');
  }, 60_000);

  it('says that nobody answers', async () => {
    const { ids } = await doctor({ REDIS_URL: `redis://127.0.0.1:${await freePort()}` });
    expect(ids).toEqual(['redis_unreachable']);
  }, 60_000);
});

describeWithRedis('waypost doctor on a Redis of several servers', () => {
  let cluster: RedisCluster;
  let watched: WatchedRedis;
  beforeAll(async () => {
    [cluster, watched] = await Promise.all([RedisCluster.start(true), WatchedRedis.start()]);
  }, 120_000);
  afterAll(() => Promise.all([cluster.remove(), watched.remove()]));

  it('finds nothing, and then what is wrong with a node of a Cluster', async () => {
    expect(await doctor({ REDIS_URL: cluster.url })).toEqual({ code: 0, findings: [], ids: [] });
    await cluster.nodes[5]?.ask((client) => client.config('SET', 'maxmemory-policy', 'allkeys-lru'));
    expect((await doctor({ REDIS_URL: cluster.url })).ids).toEqual(['redis_evicts']);
  }, 60_000);

  it('looks at the primary that Sentinels name', async () => {
    expect(await doctor({ REDIS_URL: watched.url })).toEqual({ code: 0, findings: [], ids: [] });
    await watched.servers[0]?.ask((client) => client.config('SET', 'appendonly', 'no'));
    expect((await doctor({ REDIS_URL: watched.url })).ids).toEqual(['redis_not_durable']);
    const unknown = watched.url.replace(/[^/]+$/, 'another');
    const { findings } = await doctor({ REDIS_URL: unknown });
    expect(findings.map(({ id }) => id)).toEqual(['redis_unreachable']);
  }, 60_000);
});
