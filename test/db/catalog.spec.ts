import { describe, expect, it } from '@jest/globals';
import { itOnOneServer } from '../support/on-one-server.js';
import { asRole } from '../support/database.js';

const rows = <Row extends object>(sql: string): Promise<Row[]> =>
  asRole('postgres', async (client) => (await client.query<Row>(sql)).rows);

// Tables of the application: the queue keeps its own schema, and knows no tenants.
const TABLES = `
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname <> 'schema_migrations'`;
const HAS_TENANT = `EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped)`;

const WITHOUT_TENANTS = [
  'click_segment_days',
  'click_segments',
  'dead_clicks',
  'deployment_keys',
  'takedowns',
  'upkeep_runs',
  'visitor_salts',
];

/** What isolation rests on, read from the catalog: it fails on a table that a later migration adds and forgets. */
describe('the schema', () => {
  it('gives every table a tenant, except the list of tenants itself, and salts, segments, keys and upkeep of all', async () => {
    const found = await rows<{ relname: string }>(`SELECT c.relname ${TABLES} AND NOT ${HAS_TENANT}`);
    expect(found.map(({ relname }) => relname).toSorted()).toEqual([
      'click_segment_days',
      'click_segments',
      'deployment_keys',
      'tenants',
      'upkeep_runs',
      'visitor_salts',
    ]);
  });

  it('enables and forces row-level security on every table and partition', async () => {
    const found = await rows(`SELECT c.relname ${TABLES} AND NOT (c.relrowsecurity AND c.relforcerowsecurity)`);
    expect(found).toEqual([]);
  });

  itOnOneServer(
    'has the policy of the own tenant on every table and partition, for reading and for writing',
    async () => {
      const found = await rows<{ relname: string }>(`
      SELECT c.relname ${TABLES} AND NOT EXISTS (
        SELECT FROM pg_policy p
        WHERE p.polrelid = c.oid AND p.polname = 'own_tenant' AND p.polcmd = '*'
          AND pg_get_expr(p.polqual, p.polrelid) LIKE '%app.tenant_id%'
          AND pg_get_expr(p.polwithcheck, p.polrelid) LIKE '%app.tenant_id%')`);
      // Salts, segments and runs of the upkeep are nobody's: the worker alone has a policy there. What is wrong with a dead letter may be its
      // tenant, and takedowns are the operators': they have a policy there, and no tenant.
      expect(found.map(({ relname }) => relname).toSorted()).toEqual(WITHOUT_TENANTS);
    },
  );

  itOnOneServer(
    'opens other policies to the worker, the resolver and the owner alone, and to the application those of operators',
    async () => {
      const found = await rows<{ policy: string }>(`
      SELECT DISTINCT p.polname || ' on ' || c.relname || ' to ' ||
             array_to_string(ARRAY(SELECT rolname FROM pg_roles WHERE oid = ANY (p.polroles) ORDER BY 1), ',') AS policy
      FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
      WHERE p.polname <> 'own_tenant' ORDER BY 1`);
      expect(found.map(({ policy }) => policy)).toMatchInlineSnapshot(`
      [
        "carries on click_segment_days to waypost_owner",
        "carries on click_segments to waypost_owner",
        "carries on takedowns to waypost_owner",
        "ingest on breakdown_rollups to waypost_ingest",
        "ingest on click_days to waypost_ingest",
        "ingest on click_erasures to waypost_ingest",
        "ingest on click_rollups to waypost_ingest",
        "ingest on click_segment_days to waypost_ingest",
        "ingest on click_segments to waypost_ingest",
        "ingest on click_spans to waypost_ingest",
        "ingest on clicks to waypost_ingest",
        "ingest on dead_clicks to waypost_ingest",
        "ingest on erased_clicks to waypost_ingest",
        "ingest on link_spans to waypost_ingest",
        "ingest on link_stats to waypost_ingest",
        "ingest on tenant_rollups to waypost_ingest",
        "ingest on upkeep_runs to waypost_ingest",
        "ingest on visit_spans to waypost_ingest",
        "ingest on visitor_days to waypost_ingest",
        "ingest on visitor_salts to waypost_ingest",
        "loop_check on domains to waypost_owner",
        "operators on dead_clicks to waypost_app",
        "operators on deployment_keys to waypost_app",
        "operators on takedowns to waypost_app",
        "platform_reads on destination_policies to waypost_app",
        "relay_deletes on outbox to waypost_ingest",
        "relay_reads on outbox to waypost_ingest",
        "reseals on deployment_keys to waypost_ingest",
        "resolver_reads on domains to waypost_resolver",
        "resolver_reads on link_stats to waypost_resolver",
        "resolver_reads on links to waypost_resolver",
        "resolver_reads on tenants to waypost_resolver",
        "sealer_appends on audit_chain to waypost_ingest",
        "sealer_appends on audit_checkpoints to waypost_ingest",
        "sealer_deletes on audit_pending to waypost_ingest",
        "sealer_reads on audit_chain to waypost_ingest",
        "sealer_reads on audit_checkpoints to waypost_ingest",
        "sealer_reads on audit_pending to waypost_ingest",
        "sweep_deletes on idempotency_records to waypost_ingest",
        "sweep_reads on idempotency_records to waypost_ingest",
        "takedown_deletes on links to waypost_app",
        "takedown_search on links to waypost_owner",
        "takedown_updates on links to waypost_app",
        "token_lookup on identity_providers to waypost_owner",
        "token_lookup on members to waypost_owner",
        "token_lookup on tenants to waypost_owner",
        "upkeep_reads on domains to waypost_ingest",
        "upkeep_reads on links to waypost_ingest",
        "upkeep_reads on tenants to waypost_ingest",
      ]
    `);
    },
  );

  it('has the tenant in every primary key, unique index and foreign key', async () => {
    const loose = await rows<{ name: string }>(`
      SELECT i.indexrelid::regclass::text AS name ${TABLES.replace('WHERE', 'JOIN pg_index i ON i.indrelid = c.oid WHERE')}
        AND i.indisunique AND ${HAS_TENANT}
        AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnum = ANY (i.indkey::int2[]))`);
    // A hostname belongs to one tenant of all: that is what routes a visitor. A dead letter may have no tenant.
    expect(loose.map(({ name }) => name).toSorted()).toEqual(['dead_clicks_pkey', 'domains_hostname']);

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

  itOnOneServer('partitions tenant tables by tenant, 16 ways by default, and clicks by month above that', async () => {
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
      'api_keys', 'audit_chain', 'audit_checkpoints', 'audit_events', 'audit_pending', 'breakdown_rollups', 'click_days', 'click_erasures', 'click_rollups', 'click_spans',
      'clicks', 'erased_clicks', 'idempotency_records', 'identity_providers', 'link_spans', 'link_stats', 'link_usage', 'links', 'members', 'outbox', 'removed_identities', 'scim_group_members', 'scim_groups', 'scim_users', 'tags',
      'tenant_rollups', 'visit_spans', 'visitor_days',
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

  itOnOneServer('may do on tables what their work needs and no more', async () => {
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
        "waypost_app: delete insert select on removed_identities",
        "waypost_app: delete insert select on scim_group_members",
        "waypost_app: delete insert select on tags",
        "waypost_app: delete insert select update on domains",
        "waypost_app: delete insert select update on identity_providers",
        "waypost_app: delete insert select update on link_usage",
        "waypost_app: delete insert select update on links",
        "waypost_app: delete insert select update on members",
        "waypost_app: delete insert select update on scim_groups",
        "waypost_app: delete insert select update on scim_settings",
        "waypost_app: delete insert select update on scim_users",
        "waypost_app: delete insert select update on tenants",
        "waypost_app: delete select on breakdown_rollups",
        "waypost_app: delete select on click_days",
        "waypost_app: delete select on click_rollups",
        "waypost_app: delete select on click_spans",
        "waypost_app: delete select on clicks",
        "waypost_app: delete select on link_spans",
        "waypost_app: delete select on tenant_rollups",
        "waypost_app: delete select on visit_spans",
        "waypost_app: insert on outbox",
        "waypost_app: insert select on audit_events",
        "waypost_app: insert select on audit_pending",
        "waypost_app: insert select on takedowns",
        "waypost_app: insert select update on destination_policies",
        "waypost_app: insert select update on erased_clicks",
        "waypost_app: select on audit_chain",
        "waypost_app: select on audit_checkpoints",
        "waypost_app: select on dead_clicks",
        "waypost_app: select on deployment_keys",
        "waypost_ingest: delete insert select on click_spans",
        "waypost_ingest: delete insert select on link_spans",
        "waypost_ingest: delete insert select on visit_spans",
        "waypost_ingest: delete insert select on visitor_days",
        "waypost_ingest: delete insert select on visitor_salts",
        "waypost_ingest: delete insert select update on click_segment_days",
        "waypost_ingest: delete insert select update on click_segments",
        "waypost_ingest: delete insert select update on dead_clicks",
        "waypost_ingest: delete on idempotency_records",
        "waypost_ingest: delete select on audit_pending",
        "waypost_ingest: delete select on outbox",
        "waypost_ingest: insert select on audit_chain",
        "waypost_ingest: insert select on audit_checkpoints",
        "waypost_ingest: insert select on clicks",
        "waypost_ingest: insert select update on breakdown_rollups",
        "waypost_ingest: insert select update on click_days",
        "waypost_ingest: insert select update on click_rollups",
        "waypost_ingest: insert select update on link_stats",
        "waypost_ingest: insert select update on tenant_rollups",
        "waypost_ingest: insert select update on upkeep_runs",
        "waypost_ingest: select on click_erasures",
        "waypost_ingest: select on deployment_keys",
        "waypost_ingest: select on erased_clicks",
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
