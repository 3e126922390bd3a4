import { describe, expect, it } from '@jest/globals';
import { asRole } from '../support/database.js';

const rows = <Row extends object>(sql: string): Promise<Row[]> =>
  asRole('postgres', async (client) => (await client.query<Row>(sql)).rows);

// Tables of the application: the queue keeps its own schema, and knows no tenants.
const TABLES = `
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname <> 'schema_migrations'`;
const HAS_TENANT = `EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)`;

/** What isolation rests on, read from the catalog: it fails on a table that a later migration adds and forgets. */
describe('the schema', () => {
  it('gives every table a tenant, except the list of tenants itself and the salts of all', async () => {
    const found = await rows<{ relname: string }>(`SELECT c.relname ${TABLES} AND NOT ${HAS_TENANT}`);
    expect(found.map(({ relname }) => relname).toSorted()).toEqual(['tenants', 'visitor_salts']);
  });

  it('enables and forces row-level security on every table and partition', async () => {
    const found = await rows(`SELECT c.relname ${TABLES} AND NOT (c.relrowsecurity AND c.relforcerowsecurity)`);
    expect(found).toEqual([]);
  });

  it('has the policy of the own tenant on every table and partition, for reading and for writing', async () => {
    const found = await rows<{ relname: string }>(`
      SELECT c.relname ${TABLES} AND NOT EXISTS (
        SELECT FROM pg_policy p
        WHERE p.polrelid = c.oid AND p.polname = 'own_tenant' AND p.polcmd = '*'
          AND pg_get_expr(p.polqual, p.polrelid) LIKE '%app.tenant_id%'
          AND pg_get_expr(p.polwithcheck, p.polrelid) LIKE '%app.tenant_id%')`);
    // Salts are nobody's: the worker alone has a policy there.
    expect(found.map(({ relname }) => relname)).toEqual(['visitor_salts']);
  });

  it('opens other policies to the worker, the resolver and the owner alone, and none of them to the application', async () => {
    const found = await rows<{ policy: string }>(`
      SELECT DISTINCT p.polname || ' on ' || c.relname || ' to ' ||
             array_to_string(ARRAY(SELECT rolname FROM pg_roles WHERE oid = ANY (p.polroles) ORDER BY 1), ',') AS policy
      FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
      WHERE p.polname <> 'own_tenant' ORDER BY 1`);
    expect(found.map(({ policy }) => policy)).toMatchInlineSnapshot(`
      [
        "ingest on breakdown_rollups to waypost_ingest",
        "ingest on click_days to waypost_ingest",
        "ingest on click_erasures to waypost_ingest",
        "ingest on click_rollups to waypost_ingest",
        "ingest on clicks to waypost_ingest",
        "ingest on link_stats to waypost_ingest",
        "ingest on tenant_rollups to waypost_ingest",
        "ingest on visitor_days to waypost_ingest",
        "ingest on visitor_salts to waypost_ingest",
        "loop_check on domains to waypost_owner",
        "relay_deletes on outbox to waypost_ingest",
        "relay_reads on outbox to waypost_ingest",
        "resolver_reads on domains to waypost_resolver",
        "resolver_reads on link_stats to waypost_resolver",
        "resolver_reads on links to waypost_resolver",
        "resolver_reads on tenants to waypost_resolver",
        "sweep_deletes on idempotency_records to waypost_ingest",
        "sweep_reads on idempotency_records to waypost_ingest",
        "upkeep_reads on domains to waypost_ingest",
        "upkeep_reads on tenants to waypost_ingest",
      ]
    `);
  });

  it('has the tenant in every primary key, unique index and foreign key', async () => {
    const loose = await rows<{ name: string }>(`
      SELECT i.indexrelid::regclass::text AS name ${TABLES.replace('WHERE', 'JOIN pg_index i ON i.indrelid = c.oid WHERE')}
        AND i.indisunique AND ${HAS_TENANT}
        AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnum = ANY (i.indkey::int2[]))`);
    // A hostname belongs to one tenant of all: that is what routes a visitor.
    expect(loose.map(({ name }) => name)).toEqual(['domains_hostname']);

    const keys = await rows(`
      SELECT conname FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
      WHERE k.contype = 'f' AND c.relnamespace = 'public'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnum = ANY (k.conkey))`);
    expect(keys).toEqual([]);
  });

  it('names every constraint and index after its table', async () => {
    const found = await rows(`
      SELECT x.relname AS index, c.relname AS table FROM pg_index i
      JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
      WHERE c.relnamespace = 'public'::regnamespace AND c.relname <> 'schema_migrations'
        AND NOT starts_with(x.relname, c.relname || '_')`);
    expect(found).toEqual([]);
  });

  it('partitions tenant tables by tenant, 16 ways by default, and clicks by month above that', async () => {
    const found = await rows<{ table: string; strategy: string; key: string; children: number }>(`
      SELECT c.relname AS table, p.partstrat::text AS strategy, pg_get_partkeydef(c.oid) AS key,
             (SELECT count(*)::int FROM pg_inherits h WHERE h.inhparent = c.oid) AS children
      FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
      WHERE NOT c.relispartition ORDER BY 1`);
    const clicks = found.find(({ table }) => table === 'clicks');
    expect(clicks).toMatchObject({ strategy: 'r', key: 'RANGE (occurred_at)' });
    expect(clicks?.children).toBeGreaterThanOrEqual(5);
    for (const table of found.filter((one) => one !== clicks)) {
      expect(table).toMatchObject({ strategy: 'h', key: 'HASH (tenant_id)', children: 16 });
    }
    expect(found.map(({ table }) => table)).toEqual([
      'api_keys', 'audit_events', 'breakdown_rollups', 'click_days', 'click_erasures', 'click_rollups', 'clicks',
      'idempotency_records', 'link_stats', 'links', 'outbox', 'tags', 'tenant_rollups', 'visitor_days',
    ]); // prettier-ignore
  });

  it('makes click partitions for the coming months', async () => {
    const [row] = await rows<{ ahead: boolean }>(
      `SELECT to_regclass('clicks_' || to_char(now() AT TIME ZONE 'UTC' + interval '3 months', 'YYYY_MM')) IS NOT NULL AS ahead`,
    );
    expect(row?.ahead).toBe(true);
  });
});

describe('the database roles', () => {
  it('are no superusers, bypass no row-level security and create no databases', async () => {
    const found = await rows(`
      SELECT rolname FROM pg_roles
      WHERE rolname LIKE 'waypost%' AND (rolsuper OR rolbypassrls OR rolcreatedb OR rolreplication)`);
    expect(found).toEqual([]);
  });

  it('own nothing, except the owner', async () => {
    const found = await rows(`
      SELECT relname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
      WHERE r.rolname IN ('waypost_app', 'waypost_ingest', 'waypost_resolver')`);
    expect(found).toEqual([]);
    const owners = await rows<{ owner: string }>(
      `SELECT DISTINCT pg_get_userbyid(c.relowner)::text AS owner ${TABLES}`,
    );
    expect(owners).toEqual([{ owner: 'waypost_owner' }]);
  });

  it('are members of no other role', async () => {
    const found = await rows(`
      SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member
      WHERE r.rolname IN ('waypost_app', 'waypost_ingest', 'waypost_resolver')`);
    expect(found).toEqual([]);
  });

  it('may do on tables what their work needs and no more', async () => {
    const found = await rows<{ grant: string }>(`
      SELECT grantee || ': ' || string_agg(DISTINCT lower(privilege_type), ' ' ORDER BY lower(privilege_type)) || ' on ' || table_name AS grant
      FROM information_schema.role_table_grants
      WHERE table_schema = 'public' AND grantee IN ('waypost_app', 'waypost_ingest', 'waypost_resolver', 'PUBLIC')
      GROUP BY grantee, table_name ORDER BY 1`);
    expect(found.map(({ grant }) => grant)).toMatchInlineSnapshot(`
      [
        "waypost_app: delete insert select on api_keys",
        "waypost_app: delete insert select on click_erasures",
        "waypost_app: delete insert select on idempotency_records",
        "waypost_app: delete insert select on link_stats",
        "waypost_app: delete insert select on tags",
        "waypost_app: delete insert select update on domains",
        "waypost_app: delete insert select update on links",
        "waypost_app: delete insert select update on tenants",
        "waypost_app: delete select on breakdown_rollups",
        "waypost_app: delete select on click_days",
        "waypost_app: delete select on click_rollups",
        "waypost_app: delete select on clicks",
        "waypost_app: delete select on tenant_rollups",
        "waypost_app: insert on outbox",
        "waypost_app: insert select on audit_events",
        "waypost_ingest: delete insert select on visitor_days",
        "waypost_ingest: delete insert select on visitor_salts",
        "waypost_ingest: delete on idempotency_records",
        "waypost_ingest: delete select on outbox",
        "waypost_ingest: insert select on clicks",
        "waypost_ingest: insert select update on breakdown_rollups",
        "waypost_ingest: insert select update on click_days",
        "waypost_ingest: insert select update on click_rollups",
        "waypost_ingest: insert select update on link_stats",
        "waypost_ingest: insert select update on tenant_rollups",
        "waypost_ingest: select on click_erasures",
        "waypost_resolver: select on resolver_domains",
        "waypost_resolver: select on resolver_links",
      ]
    `);
  });

  it('reach partitions through their table alone', async () => {
    const found = await rows(`
      SELECT c.relname, r.rolname FROM pg_class c
      CROSS JOIN (VALUES ('waypost_app'), ('waypost_ingest'), ('waypost_resolver')) AS r (rolname)
      WHERE c.relispartition AND c.relkind IN ('r', 'p')
        AND has_any_column_privilege(r.rolname, c.oid, 'SELECT, INSERT, UPDATE')`);
    expect(found).toEqual([]);
  });
});
