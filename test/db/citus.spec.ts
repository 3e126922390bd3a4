import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { CARRIED, LEFT_OUT } from '../../src/operate/transfer/carried-tables.js';
import { CITUS_BIN } from '../support/citus-cluster.js';
import { asRole, databaseUrl } from '../support/database.js';
import { clickOn, Ingest, linkUuid, sumsOf, tenantUuid } from '../support/ingest.js';
import { newTenant, type Tenant, underTest } from '../support/waypost.js';
import { spawnWaypost } from '../support/waypost-process.js';

const REFERENCE = ['destination_policies', 'domains', 'identity_providers', 'takedowns', 'tenants'];
const MOST_TENANTS = 50;
/** Of these the application may read nothing. */
const UNREAD = new Set(['outbox', 'visitor_days']);

if (CITUS_BIN === undefined)
  process.stderr.write('Skipped: "Citus", for CITUS_BIN names no PostgreSQL with the extension\n');

const rows = <Row extends object>(sql: string, values: unknown[] = []): Promise<Row[]> =>
  asRole('postgres', async (client) => (await client.query<Row>(sql, values)).rows);

const shardOf = async (tenant: Tenant): Promise<string> => {
  const sql = `SELECT get_shard_id_for_distribution_column('links', $1::uuid)::text AS shard`;
  return (await rows<{ shard: string }>(sql, [tenantUuid(tenant)]))[0]?.shard ?? '';
};

/** Tenants whose rows are on different nodes. */
async function apart(): Promise<[Tenant, Tenant]> {
  const first = await newTenant();
  const nodeOf = async (tenant: Tenant): Promise<string | undefined> => {
    const sql = `SELECT nodeport::text AS node FROM citus_shards WHERE shardid = $1`;
    return (await rows<{ node: string }>(sql, [await shardOf(tenant)]))[0]?.node;
  };
  const node = await nodeOf(first);
  for (let left = MOST_TENANTS; left > 0; left--) {
    const other = await newTenant();
    if ((await nodeOf(other)) !== node) return [first, other];
  }
  throw new Error('All tenants are on one node');
}

(CITUS_BIN === undefined ? describe.skip : describe)('Citus', () => {
  it('has each table of tenants on its nodes, all alike, and what is small and shared on each', async () => {
    const found = await rows<{ name: string; type: string; key: string; group: number }>(
      `SELECT table_name::text AS name, citus_table_type AS type, distribution_column AS key, colocation_id AS group
       FROM citus_tables WHERE table_name::text !~ '^clicks_'`,
    );
    const of = (type: string) => found.filter((table) => table.type === type);
    expect(
      of('reference')
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(REFERENCE);
    const ofTenants = [...CARRIED, ...Object.keys(LEFT_OUT)].filter(
      (name) => !REFERENCE.includes(name) && name !== 'dead_clicks',
    );
    expect(
      of('distributed')
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(ofTenants.toSorted());
    expect(new Set(of('distributed').map(({ key, group }) => `${key} ${group}`)).size).toBe(1);
    expect(of('distributed')[0]?.key).toBe('tenant_id');
  });

  it('keeps tenants apart on the nodes, too: each shard has the policies and the rights of its table', async () => {
    // Citus puts the shard's name in, in place of what stands for it: no other percent sign may be there.
    const policies = (table: string) => `
      SELECT concat_ws(' ', string_agg(concat_ws(' ', polname, polcmd, polpermissive,
        ARRAY(SELECT rolname FROM pg_roles WHERE oid = ANY (polroles) ORDER BY 1),
        pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)), E'\\n' ORDER BY polname),
        (SELECT concat(relrowsecurity, relforcerowsecurity) FROM pg_class WHERE oid = '${table}'::regclass),
        (SELECT string_agg(concat(grantee, privilege_type), ' ' ORDER BY grantee, privilege_type)
         FROM information_schema.role_table_grants WHERE table_schema = 'public' AND table_name = '${table}' AND grantee <> 'waypost_owner'))
      FROM pg_policy WHERE polrelid = '${table}'::regclass`;
    for (const table of ['links', 'clicks', 'api_keys', 'audit_events', 'domains']) {
      const [own] = await rows<{ policies: string }>(`SELECT (${policies(table)}) AS policies`);
      const sharded = await rows<{ success: boolean; result: string }>(
        `SELECT * FROM run_command_on_placements($1::regclass, $2)`,
        [table, policies('%1$s')],
      );
      expect(sharded.length).toBeGreaterThan(1);
      expect(own?.policies).toContain('own_tenant');
      // Shards belong to hidden names, and say of themselves what their table says.
      const unnamed = (text: string) => text.replaceAll(/_\d{6,}/g, '');
      for (const { success, result } of sharded)
        expect([success, unnamed(result)]).toEqual([true, unnamed(own?.policies ?? '')]);
    }
  });

  it('shows a tenant its own rows, and nobody those of all', async () => {
    const [first, other] = await apart();
    const links = [await first.link(), await other.link()].map(linkUuid);
    const seen = (tenant?: Tenant) =>
      asRole('waypost_app', async (client) => {
        await client.query('BEGIN');
        if (tenant) await client.query(`SET LOCAL app.tenant_id = '${tenantUuid(tenant)}'`);
        const { rows: found } = await client.query<{ id: string }>('SELECT id FROM links WHERE id = ANY ($1)', [links]);
        const { rowCount } = await client.query('UPDATE links SET title = title WHERE id = ANY ($1)', [links]);
        await client.query('ROLLBACK');
        return { found: found.map(({ id }) => id), written: rowCount };
      });
    expect(await seen(first)).toEqual({ found: [links[0]], written: 1 });
    expect(await seen(other)).toEqual({ found: [links[1]], written: 1 });
    expect(await seen()).toEqual({ found: [], written: 0 });
    await asRole('waypost_app', async (client) => {
      for (const table of [...CARRIED, ...Object.keys(LEFT_OUT)].filter((name) => !UNREAD.has(name))) {
        const foreign = `SELECT FROM ${table} WHERE ${table === 'tenants' ? 'id' : 'tenant_id'} <> $1 LIMIT 1`;
        await client.query('BEGIN');
        await client.query(`SET LOCAL app.tenant_id = '${tenantUuid(first)}'`);
        expect([table, (await client.query(foreign, [tenantUuid(first)])).rowCount]).toEqual([table, 0]);
        await client.query('COMMIT');
        expect([table, (await client.query(foreign, [tenantUuid(first)])).rowCount]).toEqual([table, 0]);
      }
    });
  });

  it('stores clicks of tenants on different nodes together, and counts a batch delivered twice once', async () => {
    const tenants = await apart();
    const ingest = await Ingest.open();
    try {
      const links = await Promise.all(tenants.map((tenant) => tenant.link()));
      const clicks = tenants.flatMap((tenant, n) =>
        Array.from({ length: 5 + n }, () => clickOn(tenant, links[n] as (typeof links)[number])),
      );
      await ingest.clicks.store(clicks);
      await Promise.all([ingest.clicks.store(clicks), ingest.clicks.store(clicks)]);
    } finally {
      await ingest.close();
    }
    for (const [n, tenant] of tenants.entries())
      for (const [place, sums] of Object.entries(await sumsOf(tenant)))
        expect({ place, clicks: sums.clicks + sums.bots }).toEqual({ place, clicks: 5 + n });
  });

  it('is migrated again without a change, and the doctor has nothing to say of it', async () => {
    const env = {
      DATABASE_OWNER_URL: await databaseUrl('postgres'),
      DATABASE_URL: await databaseUrl('waypost_app'),
      DATABASE_INGEST_URL: await databaseUrl('waypost_ingest'),
      DATABASE_RESOLVER_URL: await databaseUrl('waypost_resolver'),
      SECRET_KEY: randomBytes(32).toString('base64'),
      PLATFORM_KEY: underTest.platformKey,
    };
    const before = await rows('SELECT logicalrelid::text, colocationid FROM pg_dist_partition ORDER BY 1');
    const migration = spawnWaypost(env, 'dist/waypost.js migrate --json');
    expect(await migration.exited).toBe(0);
    expect(migration.output()).toMatch(/"migrated": \[\]/);
    expect(await rows('SELECT logicalrelid::text, colocationid FROM pg_dist_partition ORDER BY 1')).toEqual(before);
    const doctor = spawnWaypost(env, 'dist/waypost.js doctor --json');
    await doctor.exited;
    expect(doctor.output()).toContain('"citus"');
    expect(doctor.output()).not.toMatch(/citus_|rls_missing|policy_|grant_|role_/);
  });
});
