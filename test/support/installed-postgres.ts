import { chmod } from 'node:fs/promises';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { connectionUrl } from '../../src/platform/embedded/cluster-secret.js';
import { OwnPostgres } from './own-postgres.js';
import { ask, startProgram } from './postgres-program.js';

const INSTALLED = '/usr/lib/postgresql';
const NEEDED = ['initdb', 'postgres', 'pg_dump', 'pg_restore'];

/**
 * Where Debian keeps a PostgreSQL with its programs: the embedded one has no pg_dump, and that of another release refuses a
 * newer server. Undefined where none is installed.
 */
export function installedPostgres(): string | undefined {
  if (!existsSync(INSTALLED)) return undefined;
  return readdirSync(INSTALLED)
    .toSorted((a, b) => Number(b) - Number(a))
    .map((release) => join(INSTALLED, release, 'bin'))
    .find((bin) => NEEDED.every((program) => existsSync(join(bin, program))));
}

/** A server of that release, on data of its own. */
export async function startInstalled(bin: string, dataDir: string): Promise<OwnPostgres> {
  await chmod(dataDir, 0o711);
  const { port, stop } = await startProgram(bin, join(dataDir, 'postgres'), ['--no-locale']);
  await ask(connectionUrl({ port, secret: 'any' }, 'postgres', 'postgres'), 'CREATE DATABASE waypost');
  const urlFor = (role: string): string => connectionUrl({ port, secret: 'any' }, role, 'waypost');
  return OwnPostgres.over(dataDir, { adminUrl: urlFor('postgres'), urlFor, stop });
}
