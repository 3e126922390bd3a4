import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
// Loaded by Node itself, too, outside the test runner, hence the extension.
import { freePort } from './free-port.ts';

const CLUSTER = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8'];
const SETTINGS = { listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off' };

export interface PostgresProgram {
  port: number;
  stop: () => Promise<void>;
}

/**
 * A server with the programs in `bin`, on new data in a folder of its own.
 *
 * @param locale what `initdb` is told of it
 */
export async function startProgram(
  bin: string,
  data: string,
  locale: string[],
  settings: Record<string, string | number> = {},
): Promise<PostgresProgram> {
  const account = serverAccount();
  const port = await freePort();
  await mkdir(data, { mode: 0o700 });
  if (account.uid !== undefined) await chown(data, account.uid, account.gid);
  const options = { ...account, cwd: data };
  execFileSync(join(bin, 'initdb'), ['-D', data, ...CLUSTER, ...locale], { ...options, stdio: 'pipe' });
  const args = Object.entries({ ...SETTINGS, ...settings, port }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const child = spawn(join(bin, 'postgres'), ['-D', data, ...args], { ...options, stdio: 'ignore' });
  return {
    port,
    stop: async () => {
      child.kill('SIGINT');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

/** PostgreSQL refuses to run as root. */
function serverAccount(): { uid: number; gid: number } | { uid?: undefined; gid?: undefined } {
  if (process.getuid?.() !== 0) return {};
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' })));
  return { uid: uid as number, gid: gid as number };
}

/** Also asks a server that is still starting. */
export async function ask(url: string, text: string): Promise<void> {
  for (let left = 100; ; left--) {
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await client.query(text);
      return;
    } catch (error) {
      if (left === 0 || !/ECONNREFUSED|starting up/.test(String(error))) throw error;
      await sleep(100);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}
