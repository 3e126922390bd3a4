import type { Client } from 'pg';

/** Small, written seldom, and read for every tenant: each node has them whole. */
const REFERENCE_TABLES = new Set(['tenants', 'domains', 'destination_policies', 'identity_providers', 'takedowns']);
/** What belongs to no tenant, or may belong to one that does not exist, stays on the coordinator. */
const COORDINATOR_TABLES = ['dead_clicks'];

/**
 * Distributes the tables of tenants by tenant, all alike, so that what belongs to one tenant is on one node; what was
 * distributed before stays as it is. In one transaction.
 *
 * @param client of the tables' owner, on the coordinator
 * @returns names of the tables that were distributed
 */
export async function distribute(client: Client): Promise<string[]> {
  await client.query('BEGIN');
  try {
    // Shards of tables that refer to each other must be made one after the other.
    await client.query(`SET LOCAL citus.multi_shard_modify_mode = 'sequential'`);
    const tables = await undistributed(client);
    if (tables.length > 0) {
      // A table that another refers to is not distributed before that, nor the other before this.
      const keys = await foreignKeys(client, tables);
      for (const { table, name } of keys) await client.query(`ALTER TABLE ${table} DROP CONSTRAINT ${name}`);
      const grants = await viewGrants(client);
      for (const table of tables.filter((name) => REFERENCE_TABLES.has(name)))
        await client.query('SELECT create_reference_table($1)', [table]);
      for (const table of tables.filter((name) => !REFERENCE_TABLES.has(name)))
        await client.query(`SELECT create_distributed_table($1, 'tenant_id', colocate_with => $2)`, [
          table,
          table === 'links' ? 'default' : 'links',
        ]);
      for (const { table, name, definition } of keys)
        await client.query(`ALTER TABLE ${table} ADD CONSTRAINT ${name} ${definition}`);
      for (const { statement } of grants) await client.query(statement);
    }
    for (const name of await plannedOnce(client)) await client.query(`ALTER FUNCTION ${name} RESET plan_cache_mode`);
    await refuseRestrictive(client);
    await client.query('COMMIT');
    return tables;
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

/** `links` first, beside whose shards all others are. */
async function undistributed(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND c.oid NOT IN (SELECT logicalrelid FROM pg_dist_partition) AND c.relname <> ALL ($1)
     UNION ALL SELECT 'tenants' WHERE 'tenants'::regclass NOT IN (SELECT logicalrelid FROM pg_dist_partition)
     ORDER BY 1`,
    [COORDINATOR_TABLES],
  );
  const names = rows.map(({ name }) => name);
  return names.includes('links') ? ['links', ...names.filter((name) => name !== 'links')] : names;
}

interface ForeignKey {
  table: string;
  name: string;
  definition: string;
}

async function foreignKeys(client: Client, tables: string[]): Promise<ForeignKey[]> {
  const { rows } = await client.query<ForeignKey>(
    `SELECT conrelid::regclass::text AS table, quote_ident(conname) AS name, pg_get_constraintdef(oid) AS definition
     FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 AND conrelid = ANY ($1::regclass[])`,
    [tables],
  );
  return rows;
}

/** Views on a table are made anew when it is distributed, without the rights to them. */
async function viewGrants(client: Client): Promise<Array<{ statement: string }>> {
  const { rows } = await client.query<{ statement: string }>(
    `SELECT format('GRANT %s ON %I TO %I', acl.privilege_type, c.relname, pg_get_userbyid(acl.grantee)) AS statement
     FROM pg_class c, aclexplode(c.relacl) AS acl
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v' AND acl.grantee <> c.relowner AND acl.grantee <> 0
       AND c.oid NOT IN (SELECT objid FROM pg_depend WHERE deptype = 'e')`,
  );
  return rows;
}

/** Functions that have their statements planned once for all tenants: Citus plans for a tenant, or not at all. */
async function plannedOnce(client: Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT oid::regprocedure::text AS name FROM pg_proc
     WHERE pronamespace = 'public'::regnamespace AND proconfig @> '{plan_cache_mode=force_generic_plan}'`,
  );
  return rows.map(({ name }) => name);
}

/** Citus makes them on shards as if they were permissive: what a table forbids, its shards would allow to every tenant. */
async function refuseRestrictive(client: Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT polname || ' on ' || logicalrelid::text AS name FROM pg_policy JOIN pg_dist_partition ON logicalrelid = polrelid
     WHERE NOT polpermissive`,
  );
  if (rows.length > 0)
    throw new Error(`Citus takes no restrictive policies: ${rows.map(({ name }) => name).join(', ')}`);
}
