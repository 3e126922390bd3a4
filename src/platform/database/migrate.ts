import pg from 'pg';
import { runMigrations as migrateQueue } from 'bullmq';
import { DataSource } from 'typeorm';
import { ConfigError, type DatabaseUrls } from '../config/config.js';
import { CITUS_LIMITS, isCitus, OWNER_SETTINGS } from './citus.js';
import { distribute } from './distribute.js';

/** The schema BullMQ keeps its queues in when they live in PostgreSQL. */
export const QUEUE_SCHEMA = 'bullmq';

const OWNER = 'waypost_owner';
/** Which URL logs in as each role. */
const URL_OF = {
  [OWNER]: 'owner',
  waypost_app: 'app',
  waypost_ingest: 'ingest',
  waypost_resolver: 'resolver',
} as const;
type RoleName = keyof typeof URL_OF;

/** Statements end by themselves on the server too, a little before the client's own deadline. */
const ROLE_LIMITS = {
  waypost_app: { statement_timeout: '8s', lock_timeout: '5s', idle_in_transaction_session_timeout: '30s' },
  waypost_ingest: { statement_timeout: '60s', lock_timeout: '10s', idle_in_transaction_session_timeout: '60s' },
  waypost_resolver: { statement_timeout: '8s', lock_timeout: '5s', idle_in_transaction_session_timeout: '10s' },
} as const;

const MIGRATION_LOCK = 7_719_253;
/** insufficient_privilege */
const DENIED = '42501';

/**
 * Creates the roles, the tables and the queue's schema, or brings them up to date. Idempotent; two at once take turns.
 * Connects with the owner's URL, whose role is waypost_owner itself or one that may create roles.
 *
 * @param options.migrations folder of the compiled migrations
 * @returns names of the migrations that were run
 * @throws ConfigError where the owner's URL has too few rights over the roles: with the statements that are left to do
 */
export async function migrate(
  urls: DatabaseUrls,
  options: { migrations: string; hashPartitions: number },
): Promise<string[]> {
  const client = new pg.Client({ connectionString: urls.owner, application_name: 'waypost-migrate' });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    const citus = await isCitus(client);
    await createRoles(client, urls, citus);
    await client.query(`SET ROLE ${OWNER}; ${OWNER_SETTINGS}`);
    const names = await migrateTables(urls.owner, citus ? { ...options, hashPartitions: 0 } : options);
    if (citus) await distribute(client);
    await migrateQueue(client, QUEUE_SCHEMA);
    await grantQueue(client);
    return names;
  } finally {
    await client.end();
  }
}

async function createRoles(client: pg.Client, urls: DatabaseUrls, citus: boolean): Promise<void> {
  const { rows } = await client.query<{ me: string; database: string }>(
    'SELECT current_user AS me, current_database() AS database',
  );
  const { me, database } = rows[0] as { me: string; database: string };
  try {
    for (const role of await missingRoles(client)) await createRole(client, role, urls[URL_OF[role]]);
    for (const statement of await missingLimits(client, database, citus)) await client.query(statement);
  } catch (error) {
    throw (error as { code?: unknown }).code === DENIED ? await leftToSuperuser(client, me, database, citus) : error;
  }
  if (me === OWNER) return;
  await client.query(`GRANT ${OWNER} TO ${pg.escapeIdentifier(me)}`);
  await client.query(`GRANT CREATE ON DATABASE ${pg.escapeIdentifier(database)} TO ${OWNER}`);
  await client.query(`GRANT USAGE, CREATE ON SCHEMA public TO ${OWNER}`);
}

async function missingRoles(client: pg.Client): Promise<RoleName[]> {
  const { rows } = await client.query<{ name: string }>('SELECT rolname AS name FROM pg_roles');
  const there = new Set(rows.map(({ name }) => name));
  return (Object.keys(URL_OF) as RoleName[]).filter((role) => !there.has(role));
}

async function createRole(client: pg.Client, role: RoleName, url: string): Promise<void> {
  await client.query(`CREATE ROLE ${role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE`);
  const { username, password } = new URL(url);
  if (username === role && password) {
    await client.query(`ALTER ROLE ${role} PASSWORD ${pg.escapeLiteral(decodeURIComponent(password))}`);
  }
}

/** Statements for what differs alone, so that an owner without rights over the roles can still migrate. */
async function missingLimits(client: pg.Client, database: string, citus: boolean): Promise<string[]> {
  const { rows } = await client.query<{ role: string; setting: string }>(
    `SELECT r.rolname AS role, unnest(s.setconfig) AS setting
     FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole JOIN pg_database d ON d.oid = s.setdatabase
     WHERE d.datname = $1`,
    [database],
  );
  const there = new Set(rows.map(({ role, setting }) => `${role} ${setting}`));
  const here = `IN DATABASE ${pg.escapeIdentifier(database)}`;
  return Object.entries(ROLE_LIMITS).flatMap(([role, limits]) =>
    Object.entries({ ...limits, ...(citus && CITUS_LIMITS) })
      .filter(([name, value]) => !there.has(`${role} ${name}=${value}`))
      .map(([name, value]) => `ALTER ROLE ${role} ${here} SET ${name} = '${value}'`),
  );
}

/** To alter a role takes CREATEROLE and, from PostgreSQL 16 on, the admin option for it, which who made it has. */
async function leftToSuperuser(client: pg.Client, me: string, database: string, citus: boolean): Promise<ConfigError> {
  const statements = [
    ...(await missingRoles(client)).map((role) => `CREATE ROLE ${role} LOGIN PASSWORD '…'`),
    ...(await missingLimits(client, database, citus)),
  ];
  return new ConfigError(
    [
      `DATABASE_OWNER_URL: ${me} may not make or alter roles. Have a superuser run these, and migrate again:`,
      ...statements.map((statement) => `${statement};`),
    ].join('\n  '),
  );
}

async function migrateTables(url: string, options: { migrations: string; hashPartitions: number }): Promise<string[]> {
  const dataSource = new DataSource({
    type: 'postgres',
    url,
    migrations: [`${options.migrations}/*.js`],
    migrationsTableName: 'schema_migrations',
    migrationsTransactionMode: 'each',
    extra: {
      max: 1,
      application_name: 'waypost-migrate',
      options: `-c role=${OWNER} -c waypost.hash_partitions=${options.hashPartitions}`,
    },
  });
  await dataSource.initialize();
  try {
    const done = await dataSource.runMigrations();
    return done.map((migration) => migration.name);
  } finally {
    await dataSource.destroy();
  }
}

/** The queue belongs to no tenant; the roles that send or take jobs may use it, and none owns it. */
async function grantQueue(client: pg.Client): Promise<void> {
  const users = 'waypost_ingest, waypost_resolver';
  await client.query(`GRANT USAGE ON SCHEMA ${QUEUE_SCHEMA} TO ${users}`);
  await client.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${QUEUE_SCHEMA} TO ${users}`);
  await client.query(`GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA ${QUEUE_SCHEMA} TO ${users}`);
  await client.query(`GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA ${QUEUE_SCHEMA} TO ${users}`);
}
