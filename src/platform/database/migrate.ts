import pg from 'pg';
import { runMigrations as migrateQueue } from 'bullmq';
import { DataSource } from 'typeorm';
import type { DatabaseUrls } from '../config/config.js';

/** The schema BullMQ keeps its queues in when they live in PostgreSQL. */
export const QUEUE_SCHEMA = 'bullmq';

const OWNER = 'waypost_owner';
/** Statements end by themselves on the server too, a little before the client's own deadline. */
const ROLE_LIMITS = {
  waypost_app: { statement_timeout: '8s', lock_timeout: '5s', idle_in_transaction_session_timeout: '30s' },
  waypost_ingest: { statement_timeout: '60s', lock_timeout: '10s', idle_in_transaction_session_timeout: '60s' },
  waypost_resolver: { statement_timeout: '8s', lock_timeout: '5s', idle_in_transaction_session_timeout: '10s' },
} as const;

const MIGRATION_LOCK = 7_719_253;

/**
 * Creates the roles, the tables and the queue's schema, or brings them up to date. Idempotent; two at once take turns.
 * Connects with the owner's URL, whose role is waypost_owner itself or one that may create roles.
 *
 * @param options.migrations folder of the compiled migrations
 * @returns names of the migrations that were run
 */
export async function migrate(
  urls: DatabaseUrls,
  options: { migrations: string; hashPartitions: number },
): Promise<string[]> {
  const client = new pg.Client({ connectionString: urls.owner, application_name: 'waypost-migrate' });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    await createRoles(client, urls);
    await client.query(`SET ROLE ${OWNER}`);
    const names = await migrateTables(urls.owner, options);
    await migrateQueue(client, QUEUE_SCHEMA);
    await grantQueue(client);
    return names;
  } finally {
    await client.end();
  }
}

async function createRoles(client: pg.Client, urls: DatabaseUrls): Promise<void> {
  const { rows } = await client.query<{ me: string; database: string }>(
    'SELECT current_user AS me, current_database() AS database',
  );
  const { me, database } = rows[0] as { me: string; database: string };
  const logins = {
    [OWNER]: urls.owner,
    waypost_app: urls.app,
    waypost_ingest: urls.ingest,
    waypost_resolver: urls.resolver,
  };
  for (const [role, url] of Object.entries(logins)) {
    const known = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role]);
    if (known.rowCount === 0) {
      await client.query(`CREATE ROLE ${role} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE`);
    }
    const { username, password } = new URL(url);
    if (known.rowCount === 0 && username === role && password) {
      await client.query(`ALTER ROLE ${role} PASSWORD ${pg.escapeLiteral(decodeURIComponent(password))}`);
    }
  }
  for (const [role, limits] of Object.entries(ROLE_LIMITS)) {
    for (const [name, value] of Object.entries(limits)) {
      await setRoleLimit(client, database, role, name, value);
    }
  }
  if (me === OWNER) return;
  await client.query(`GRANT ${OWNER} TO ${pg.escapeIdentifier(me)}`);
  await client.query(`GRANT CREATE ON DATABASE ${pg.escapeIdentifier(database)} TO ${OWNER}`);
  await client.query(`GRANT USAGE, CREATE ON SCHEMA public TO ${OWNER}`);
}

/** Writes a setting only when it differs, so that an owner without rights over the roles can still migrate. */
async function setRoleLimit(
  client: pg.Client,
  database: string,
  role: string,
  name: string,
  value: string,
): Promise<void> {
  const { rowCount } = await client.query(
    `SELECT 1 FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = s.setrole JOIN pg_database d ON d.oid = s.setdatabase
     WHERE r.rolname = $1 AND d.datname = $2 AND $3 = ANY (s.setconfig)`,
    [role, database, `${name}=${value}`],
  );
  if (rowCount) return;
  await client.query(`ALTER ROLE ${role} IN DATABASE ${pg.escapeIdentifier(database)} SET ${name} = '${value}'`);
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
