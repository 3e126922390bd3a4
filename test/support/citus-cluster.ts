import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
// Loaded by Node itself, too, outside the test runner, hence the extensions.
import { connectionUrl } from '../../src/platform/embedded/cluster-secret.ts';
import { ask, startProgram } from './postgres-program.ts';

const WORKERS = 2;
/** As embedded servers have it. */
const LOCALE = ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
const SETTINGS = {
  max_connections: 300,
  max_prepared_transactions: 300,
  shared_preload_libraries: 'citus',
  'citus.shard_count': 4,
  'citus.node_conninfo': 'sslmode=disable',
};

/** Where the tests are to run on Citus: the programs of a PostgreSQL that has the extension. */
export const { CITUS_BIN } = process.env;

/**
 * Starts a coordinator with the database `waypost` on data in `postgres` of this folder, where an embedded server would have
 * it and so is found, and two workers beside it.
 *
 * @returns ends all of them that still run
 */
export async function startCitus(bin: string, dataDir: string): Promise<() => Promise<void>> {
  await chmod(dataDir, 0o711);
  const folders = ['postgres', ...Array.from({ length: WORKERS }, (_, n) => `worker-${n}`)];
  const servers = await Promise.all(
    folders.map((folder) => startProgram(bin, join(dataDir, folder), LOCALE, SETTINGS)),
  );
  const secret = 'trusted';
  await writeFile(join(dataDir, 'postgres-password'), `${secret}\n`);
  const urlOf = (port: number, database: string): string => connectionUrl({ port, secret }, 'postgres', database);
  for (const { port } of servers) {
    await ask(urlOf(port, 'postgres'), 'CREATE DATABASE waypost');
    await ask(urlOf(port, 'waypost'), 'CREATE EXTENSION citus');
  }
  const [port = 0, ...workers] = servers.map((server) => server.port);
  const coordinator = urlOf(port, 'waypost');
  await ask(coordinator, `SELECT citus_set_coordinator_host('127.0.0.1', ${port})`);
  for (const worker of workers) await ask(coordinator, `SELECT citus_add_node('127.0.0.1', ${worker})`);
  // Tests call functions as the superuser.
  await ask(coordinator, `ALTER ROLE postgres SET citus.propagate_set_commands = 'local'`);
  return async () => {
    await Promise.all(servers.map(({ stop }) => stop()));
  };
}
