import type pg from 'pg';
import { type Finding, finding, some } from './finding.js';
import { rows } from './sessions.js';

const LOGINS = ['waypost_app', 'waypost_ingest', 'waypost_resolver'];
const ALL = ['waypost_owner', ...LOGINS];
const names = (roles: string[]): string => roles.map((role) => `'${role}'`).join(', ');

/** Tables and partitions of the application. The queue's schema knows no tenants. */
const TABLES = `
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname <> 'schema_migrations'`;

interface Rule {
  id: Parameters<typeof finding>[0];
  /** Answers with the `name`s of what breaks it. */
  sql: string;
  what: (names: string) => string;
  mend: string;
}

const MIGRATE = 'Run waypost migrate';

/** What keeps tenants apart, read from the catalog. */
const RULES: Rule[] = [
  {
    id: 'role_missing',
    sql: `SELECT name FROM unnest(ARRAY[${names(ALL)}]) AS name WHERE name NOT IN (SELECT rolname FROM pg_roles)`,
    what: (roles) => `There is no role ${roles}`,
    mend: MIGRATE,
  },
  {
    id: 'role_superuser',
    sql: `SELECT rolname AS name FROM pg_roles WHERE rolname IN (${names(ALL)}) AND rolsuper`,
    what: (roles) => `${roles}: a superuser, for whom row-level security does not hold`,
    mend: 'ALTER ROLE … NOSUPERUSER',
  },
  {
    id: 'role_bypasses_rls',
    sql: `SELECT rolname AS name FROM pg_roles WHERE rolname IN (${names(ALL)}) AND rolbypassrls`,
    what: (roles) => `${roles}: bypasses row-level security`,
    mend: 'ALTER ROLE … NOBYPASSRLS',
  },
  {
    id: 'role_owns',
    sql: `SELECT c.relname AS name FROM pg_class c WHERE pg_get_userbyid(c.relowner) IN (${names(LOGINS)})`,
    what: (tables) => `A role that runs processes owns ${tables}, and could lift its row-level security`,
    mend: 'ALTER TABLE … OWNER TO waypost_owner',
  },
  {
    id: 'role_member',
    sql: `SELECT r.rolname || ' in ' || g.rolname AS name
          FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member JOIN pg_roles g ON g.oid = m.roleid
          WHERE r.rolname IN (${names(LOGINS)})`,
    what: (members) => `Roles have the rights of others: ${members}`,
    mend: 'REVOKE the membership',
  },
  {
    id: 'owner_other',
    sql: `SELECT c.relname AS name ${TABLES} AND pg_get_userbyid(c.relowner) NOT IN (${names(ALL)})`,
    what: (tables) => `Not owned by waypost_owner: ${tables}`,
    mend: 'ALTER TABLE … OWNER TO waypost_owner; a restore should run with the roles of before',
  },
  {
    id: 'rls_missing',
    sql: `SELECT c.relname AS name ${TABLES} AND NOT (c.relrowsecurity AND c.relforcerowsecurity) ORDER BY 1`,
    what: (tables) => `Row-level security is not enabled and forced on ${tables}`,
    mend: 'ALTER TABLE … ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, and find out who changed it',
  },
  {
    id: 'policy_missing',
    sql: `
      WITH policies AS (SELECT polrelid, array_agg(polname::text) AS names FROM pg_policy GROUP BY 1)
      SELECT c.relname AS name ${TABLES.replace('WHERE', 'LEFT JOIN policies ON polrelid = c.oid WHERE')} AND (
        names IS NULL
        OR c.relispartition AND NOT 'own_tenant' = ANY (names)
        OR NOT names && '{own_tenant,operators}' AND EXISTS (
          SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND a.attnotnull)
      ) ORDER BY 1`,
    what: (tables) => `No policy says whose rows these are: ${tables}`,
    mend: 'Create the policy own_tenant as on the other tables, and find out who dropped it',
  },
  {
    id: 'policy_open',
    sql: `
      SELECT p.polname || ' on ' || c.relname AS name FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
      WHERE p.polpermissive AND pg_get_expr(p.polqual, p.polrelid) = 'true'
        AND (0 = ANY (p.polroles) OR 'waypost_app'::regrole = ANY (p.polroles)) ORDER BY 1`,
    what: (policies) => `Policies let the application see all tenants: ${policies}`,
    mend: 'DROP POLICY, and find out who created it',
  },
  {
    id: 'grant_public',
    sql: `
      SELECT DISTINCT c.relname AS name ${TABLES.replace('WHERE', ', aclexplode(c.relacl) AS acl WHERE')} AND acl.grantee = 0 ORDER BY 1`,
    what: (tables) => `Everybody who can connect has rights on ${tables}`,
    mend: 'REVOKE ALL ON … FROM PUBLIC',
  },
  {
    id: 'grant_on_partition',
    sql: `
      SELECT DISTINCT c.relname AS name ${TABLES.replace('WHERE', ', aclexplode(c.relacl) AS acl WHERE')} AND c.relispartition
        AND pg_get_userbyid(acl.grantee) IN (${names(LOGINS)}) ORDER BY 1`,
    what: (tables) => `Partitions are open to roles that should reach them through their table alone: ${tables}`,
    mend: 'REVOKE ALL ON … FROM waypost_app, waypost_ingest, waypost_resolver',
  },
  {
    id: 'audit_not_append_only',
    sql: `
      SELECT r || ' on ' || t AS name
      FROM unnest(ARRAY[${names(LOGINS)}]) AS r, unnest(ARRAY['audit_events', 'audit_chain', 'audit_checkpoints']) AS t
      WHERE (has_table_privilege(r, to_regclass(t)::oid, 'DELETE') OR has_any_column_privilege(r, to_regclass(t)::oid, 'UPDATE'))
        AND NOT (SELECT rolsuper FROM pg_roles WHERE rolname = r)`,
    what: (grants) => `The audit trail can be changed or deleted by ${grants}`,
    mend: 'REVOKE UPDATE, DELETE',
  },
  {
    id: 'grant_missing',
    sql: `
      SELECT format('%s: %s on %s', r, p, t) AS name FROM (VALUES
        ('waypost_app', 'tenants', 'SELECT'), ('waypost_app', 'domains', 'SELECT'), ('waypost_app', 'links', 'INSERT'),
        ('waypost_app', 'audit_events', 'INSERT'), ('waypost_app', 'outbox', 'INSERT'),
        ('waypost_ingest', 'clicks', 'INSERT'), ('waypost_ingest', 'click_rollups', 'UPDATE'),
        ('waypost_ingest', 'outbox', 'DELETE'), ('waypost_ingest', 'audit_chain', 'INSERT'),
        ('waypost_resolver', 'resolver_domains', 'SELECT'), ('waypost_resolver', 'resolver_links', 'SELECT')
      ) AS needed (r, t, p) WHERE NOT has_table_privilege(r, to_regclass(t)::oid, p)
      UNION ALL
      SELECT format('%s: EXECUTE on %s', r, f) FROM (VALUES
        ('waypost_app', 'is_short_domain(text)'), ('waypost_ingest', 'make_click_partitions(date, int)')
      ) AS needed (r, f) WHERE NOT has_function_privilege(r, to_regprocedure(f)::oid, 'EXECUTE')`,
    what: (grants) => `Rights are missing: ${grants}`,
    mend: 'Restore with privileges (pg_restore without --no-privileges), or GRANT them as the migrations do',
  },
];

export async function checkIsolation(client: pg.Client): Promise<Finding[]> {
  const [schema] = await rows<{ there: boolean }>(client, `SELECT to_regclass('public.clicks') IS NOT NULL AS there`);
  if (!schema?.there) return [finding('schema_missing', 'The database has none of the tables', MIGRATE)];
  const found: Finding[] = [];
  for (const { id, sql, what, mend } of RULES) {
    // Rules about rights of roles would be errors where a role is not there.
    if (found.some((one) => one.id === 'role_missing')) break;
    const broken = await rows<{ name: string }>(client, sql);
    if (broken.length > 0) found.push(finding(id, what(some(broken.map(({ name }) => name))), mend));
  }
  return found;
}
