import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, mkdir } from 'node:fs/promises';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { connectionUrl } from '../../src/platform/embedded/cluster-secret.js';
import { OwnPostgres } from './own-postgres.js';
import { freePort } from './free-port.js';

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
  const account = serverAccount();
  const [data, port] = [join(dataDir, 'postgres'), await freePort()];
  await chmod(dataDir, 0o711);
  await mkdir(data, { mode: 0o700 });
  if (account.uid !== undefined) await chown(data, account.uid, account.gid);
  const options = { ...account, cwd: data, stdio: 'pipe' as const };
  execFileSync(
    join(bin, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale'],
    options,
  );
  const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off' };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(join(bin, 'postgres'), ['-D', data, ...args], { ...account, cwd: data, stdio: 'ignore' });
  const urlFor = (role: string): string => connectionUrl({ port, secret: 'any' }, role, 'waypost');
  await create(connectionUrl({ port, secret: 'any' }, 'postgres', 'postgres'));
  return OwnPostgres.over(dataDir, {
    adminUrl: urlFor('postgres'),
    urlFor,
    stop: async () => {
      child.kill('SIGINT');
      if (child.exitCode === null) await once(child, 'exit');
    },
  });
}

/** PostgreSQL refuses to run as root. */
function serverAccount(): { uid: number; gid: number } | { uid?: undefined; gid?: undefined } {
  if (process.getuid?.() !== 0) return {};
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' })));
  return { uid: uid as number, gid: gid as number };
}

async function create(url: string): Promise<void> {
  for (let left = 100; ; left--) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.query('CREATE DATABASE waypost');
      return;
    } catch (error) {
      if (left === 0) throw error;
      await sleep(100);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
