import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from '@jest/globals';
import pg from 'pg';
import { eventually } from './waypost.js';
import { freePort } from './free-port.js';

/** To the server, of each PgBouncer. */
export const SERVER_CONNECTIONS = 3;

const PROGRAM = ['pgbouncer', '/usr/sbin/pgbouncer'].find((path) => spawnSync(path, ['--version']).status === 0);
if (PROGRAM === undefined) process.stderr.write('Skipped: PgBouncer is not installed (apt-get install pgbouncer)\n');

export const describeWithPgBouncer = PROGRAM === undefined ? describe.skip : describe;
export const itWithPgBouncer = PROGRAM === undefined ? it.skip : it;

/** A PgBouncer in transaction mode in front of a database, for one role alone. */
export class PgBouncer {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    readonly url: string,
    private readonly output: () => string,
  ) {}

  static async start(database: string): Promise<PgBouncer> {
    const folder = await mkdtemp(join(tmpdir(), 'waypost-pgbouncer-'));
    const target = new URL(database);
    const port = await freePort();
    const user = decodeURIComponent(target.username);
    const password = decodeURIComponent(target.password);
    await writeFile(join(folder, 'users.txt'), `"${user}" "${password}"\n`);
    await writeFile(
      join(folder, 'pgbouncer.ini'),
      [
        '[databases]',
        `waypost = host=${target.hostname} port=${target.port} dbname=${target.pathname.slice(1)}`,
        '[pgbouncer]',
        'listen_addr = 127.0.0.1',
        `listen_port = ${port}`,
        'unix_socket_dir =',
        'pool_mode = transaction',
        `default_pool_size = ${SERVER_CONNECTIONS}`,
        'max_client_conn = 200',
        'auth_type = scram-sha-256',
        `auth_file = ${join(folder, 'users.txt')}`,
        '',
      ].join('\n'),
    );
    // As root it refuses to run, and runs as somebody who must be able to read this.
    const asRoot = process.getuid?.() === 0;
    await chmod(folder, 0o755);
    const args = [...(asRoot ? ['-u', 'nobody'] : []), join(folder, 'pgbouncer.ini')];
    const child = spawn(PROGRAM ?? '', args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
    target.port = String(port);
    target.hostname = '127.0.0.1';
    target.pathname = '/waypost';
    const bouncer = new PgBouncer(child, folder, target.href, () => text);
    await eventually(
      () => bouncer.answers(),
      (answers) => answers,
      20,
    );
    return bouncer;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null) {
      this.child.kill('SIGINT');
      await once(this.child, 'exit');
    }
    await rm(this.folder, { recursive: true, force: true });
  }

  private async answers(): Promise<boolean> {
    if (this.child.exitCode !== null) throw new Error(`PgBouncer ended by itself:\n${this.output()}`);
    const client = new pg.Client({ connectionString: this.url });
    try {
      await client.connect();
      await client.query('SELECT 1');
      return true;
    } catch (error) {
      if (/ECONNREFUSED/.test(String(error))) return false;
      throw new Error(`${String(error)}\n${this.output()}`, { cause: error });
    } finally {
      await client.end();
    }
  }
}
