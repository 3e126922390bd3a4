import { chmod, lstat, mkdir, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ServerAccount } from './server-account.js';
import { createStaging, openSystemDirectory } from './staging.js';

/** Creates the data directory (0700). Returns whether it is new. */
export async function createDataDirectory(dataDir: string): Promise<boolean> {
  await mkdir(dirname(dataDir), { recursive: true });
  try {
    await mkdir(dataDir, { mode: 0o700 });
    return true;
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
    return false;
  }
}

/** The real path of the cluster, or undefined before the first start. */
export async function findCluster(dataDir: string): Promise<string | undefined> {
  const entry = join(dataDir, 'postgres');
  try {
    const cluster = await realpath(entry);
    await readFile(join(cluster, 'PG_VERSION'));
    return cluster;
  } catch (error) {
    if (!isCode(error, 'ENOENT')) throw error;
  }
  if (await isSymlink(entry)) {
    throw new Error(`${entry} points to a database that no longer exists. Remove ${dataDir} to start afresh.`);
  }
  return undefined;
}

/** Creates the cluster beside its final place and moves it there. Whoever moves first wins; the others use that one. */
export async function createCluster(
  dataDir: string,
  options: { isNew: boolean; account: ServerAccount; bin: string; secret: string; log: (line: string) => void },
): Promise<string> {
  const { account } = options;
  options.log('Creating the database cluster');
  const staging = await stageFor(account, dataDir, options.isNew);
  try {
    await initialise(staging, options);
    await publish(staging, dataDir);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  const cluster = await findCluster(dataDir);
  if (cluster === undefined)
    throw new Error(`${join(dataDir, 'postgres')} is in the way: it is not a database cluster.`);
  return cluster;
}

/** In the data directory, or where the account can write if it cannot get there. Only a new one's mode is ours to change. */
async function stageFor(account: ServerAccount, dataDir: string, isNew: boolean): Promise<string> {
  if (isNew) await account.admitTo(dataDir);
  const near = await createStaging(dataDir);
  await account.own(near);
  if ((await account.whyCannot('write', near)) === undefined) return near;
  await rm(near, { recursive: true });
  if (isNew) await chmod(dataDir, 0o700);
  const far = await createStaging(await openSystemDirectory(account));
  await account.own(far);
  return far;
}

async function initialise(
  staging: string,
  { account, bin, secret }: { account: ServerAccount; bin: string; secret: string },
): Promise<void> {
  // The account cannot read the secret's own file.
  const passwordFile = join(staging, 'password');
  await writeFile(passwordFile, `${secret}\n`, { mode: 0o600 });
  await account.own(passwordFile);
  const initdb = await account.run(join(bin, 'initdb'), [
    `--pgdata=${join(staging, 'data')}`,
    '--username=postgres',
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // PostgreSQL's own C.UTF-8: a bare machine may have no UTF-8 locale installed, and an index must not depend on libc.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--data-checksums',
    '--no-instructions',
  ]);
  await rm(passwordFile);
  if (initdb.code !== 0) throw new Error(`The database cluster could not be created:\n${tail(initdb.output)}`);
}

async function publish(staging: string, dataDir: string): Promise<void> {
  const entry = join(dataDir, 'postgres');
  try {
    if (dirname(staging) === dataDir) return await rename(join(staging, 'data'), entry);
    await publishLinked(staging, entry);
  } catch (error) {
    // Another start was first.
    if (!isCode(error, 'EEXIST') && !isCode(error, 'ENOTEMPTY')) throw error;
  }
}

async function publishLinked(staging: string, entry: string): Promise<void> {
  const home = join(dirname(staging), `cluster-${basename(staging).slice(-6)}`);
  await rename(staging, home);
  try {
    await symlink(join(home, 'data'), entry);
  } catch (error) {
    await rm(home, { recursive: true });
    throw error;
  }
}

async function isSymlink(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isSymbolicLink();
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false;
    throw error;
  }
}

function tail(text: string): string {
  return text.split('\n').slice(-15).join('\n');
}

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code;
}
