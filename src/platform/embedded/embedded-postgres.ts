import { resolve } from 'node:path';
import pg from 'pg';
import { createCluster, createDataDirectory, findCluster } from './cluster.js';
import { SUPERUSER, connectionUrl, openClusterSecret } from './cluster-secret.js';
import { OwnerLock } from './owner-lock.js';
import { PostgresServer } from './postgres-server.js';
import { chooseServerAccount } from './server-account.js';
import { locateServerBinaries } from './server-binaries.js';

const DATABASE = 'waypost';

export interface EmbeddedPostgres {
  /** The superuser's connection URL to the database `waypost`, on 127.0.0.1. */
  readonly adminUrl: string;
  /** Another role's URL to the same database. Its password derives from the cluster's secret and the role's name. */
  urlFor(role: string): string;
  /** true when the server of an earlier run was found running and taken over. */
  readonly adopted: boolean;
  /** Stops the server: within 4 s, or else at once. May be called again. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  readonly dataDir: string;
  readonly log: (line: string) => void;
}

/**
 * Starts PostgreSQL on the cluster in `dataDir`, which is created first if need be. Throws when another live process
 * uses that data, and leaves the other's server alone.
 */
export async function startEmbeddedPostgres({ dataDir, log }: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const home = resolve(dataDir);
  const { server, secret } = await openCluster(home, log);
  const { port, found } = await server.startOrFind(log);
  const urlFor = (role: string, database = DATABASE) => connectionUrl({ port, secret }, role, database);

  // Held in `postgres`, the one database that is there before ours and whatever becomes of ours.
  const lock = new OwnerLock(urlFor(SUPERUSER, 'postgres'), log);
  const stop = async () => {
    lock.expectEnd();
    // The lock goes last: no one may take over a server that is about to stop.
    await (lock.isAnothers ? Promise.resolve() : server.stop()).finally(() => lock.release());
  };

  try {
    if (!(await lock.take())) throw new DataInUse(home);
    if (found) log('Took over the PostgreSQL server of an earlier run');
    await createDatabase(urlFor(SUPERUSER, 'postgres'));
  } catch (error) {
    if (!found && !(error instanceof DataInUse)) {
      await stop().catch((failure: unknown) => log(`PostgreSQL was left running: ${String(failure)}`));
    }
    throw error;
  }

  let stopped: Promise<void> | undefined;
  return {
    adminUrl: urlFor(SUPERUSER),
    urlFor: (role) => urlFor(role),
    adopted: found,
    stop: () => (stopped ??= stop()),
  };
}

class DataInUse extends Error {
  constructor(dataDir: string) {
    super(`Another Waypost is running on the data in ${dataDir}. Stop it, or set DATA_DIR to another directory.`);
  }
}

async function openCluster(dataDir: string, log: (line: string) => void) {
  const isNew = await createDataDirectory(dataDir);
  const existing = await findCluster(dataDir);
  const account = await chooseServerAccount(existing, log);
  const obstacle = existing && (await account.whyCannot('write', existing));
  if (obstacle) throw new Error(`The account that owns the database in ${existing} cannot use it: ${obstacle}`);
  const bin = await locateServerBinaries(account, log);
  const secret = await openClusterSecret(dataDir, existing !== undefined);
  const cluster = existing ?? (await createCluster(dataDir, { isNew, account, bin, secret, log }));
  return { server: new PostgresServer(cluster, account, bin), secret };
}

async function createDatabase(maintenanceUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: maintenanceUrl });
  await client.connect();
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await client.end();
  }
}
