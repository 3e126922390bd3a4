import { once } from 'node:events';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Postmaster, parsePostmasterPid } from './postmaster-pid.js';
import { type Outcome, ServerAccount } from './server-account.js';

const START_SECONDS = 180; // recovery after a crash is part of it
const STOP_SECONDS = 4;
const KILL_SECONDS = 7; // an immediate shutdown kills children that have not gone after 5 s
const NOT_RUNNING = 3; // pg_ctl status

const SETTINGS = [
  'listen_addresses=127.0.0.1',
  'unix_socket_directories=',
  'max_connections=200',
  'shared_buffers=128MB',
  // After each checkpoint whole pages are logged again: under load, with the gigabyte that is usual, a third of the log.
  'max_wal_size=4GB',
  'wal_buffers=16MB',
  'cluster_name=waypost',
  'log_min_messages=warning',
  'log_checkpoints=off',
  // A failed statement may carry a password or a customer's data: its error is logged, its text is not.
  'log_min_error_statement=panic',
];

/** One PostgreSQL server on one cluster, driven by pg_ctl: a server in its own session does not die of our Ctrl-C. */
export class PostgresServer {
  private readonly logFile: string;

  constructor(
    private readonly cluster: string,
    private readonly account: ServerAccount,
    private readonly bin: string,
  ) {
    this.logFile = join(dirname(cluster), 'postgres.log');
  }

  async startOrFind(log: (line: string) => void): Promise<{ port: number; found: boolean }> {
    let failure = '';
    // Again after a failure: someone may have taken the port since it was found free, or have started this very server.
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const running = await this.settledPort();
      if (running !== undefined) return { port: running, found: true };
      if (attempt === 0) log('Starting PostgreSQL');
      const port = await freePort();
      const start = await this.start(port);
      if (start.code === 0) return { port, found: false };
      failure = `${start.output}\n${await this.logTail()}`;
    }
    throw new Error(`PostgreSQL did not start:\n${failure}`);
  }

  /** Fast shutdown; a server that takes too long is stopped at once and recovers at its next start. */
  async stop(): Promise<void> {
    if ((await this.running()) === 'none') return;
    const fast = await this.ctl('stop', '-m', 'fast', '-w', '-t', String(STOP_SECONDS));
    if (fast.code === 0) return;
    const immediate = await this.ctl('stop', '-m', 'immediate', '-w', '-t', String(KILL_SECONDS));
    if (immediate.code === 0) return;
    if ((await this.running()) === 'none') return;
    throw new Error(`PostgreSQL did not stop:\n${fast.output}\n${immediate.output}`);
  }

  /** The port of a running server, undefined if none runs; waits for one that is just starting or stopping. */
  private async settledPort(): Promise<number | undefined> {
    const deadline = Date.now() + START_SECONDS * 1000;
    for (;;) {
      const server = await this.running();
      if (server === 'none') return undefined;
      if (server?.ready === true) return server.port;
      if (Date.now() > deadline) {
        throw new Error(`PostgreSQL has been starting or stopping for too long:\n${await this.logTail()}`);
      }
      await sleep(100);
    }
  }

  private async running(): Promise<Postmaster | undefined | 'none'> {
    const status = await this.ctl('status');
    if (status.code === NOT_RUNNING) return 'none';
    if (status.code !== 0) throw new Error(`The database in ${this.cluster} cannot be used: ${status.output}`);
    const pidFile = join(this.cluster, 'postmaster.pid');
    const server = parsePostmasterPid((await readIfThere(pidFile)) ?? '');
    if (server === undefined || (await this.isServing(server.pid))) return server;
    await rm(pidFile, { force: true });
    return 'none';
  }

  /**
   * pg_ctl and PostgreSQL believe any live pid. After a crash it may be a zombie that a container's first process does not
   * reap, or by now be some other process's, or the file was copied with the data. A server works in its data directory.
   */
  private async isServing(pid: number): Promise<boolean> {
    if (process.platform !== 'linux') return true;
    const stat = await readIfThere(`/proc/${pid}/stat`);
    if (stat !== undefined && /\) [ZX] /.test(stat)) return false;
    // As the server's account: root in a container may not look into other users' processes.
    const link = await this.account.run('readlink', [`/proc/${pid}/cwd`]);
    return link.code !== 0 || link.output === this.cluster;
  }

  private async start(port: number): Promise<Outcome> {
    await this.freshLog();
    const settings = SETTINGS.map((setting) => `-c ${setting}`).join(' ');
    const options = ['-w', '-t', String(START_SECONDS), '-l', '../postgres.log', '-o', `-p ${port} ${settings}`];
    return this.ctl('start', ...options);
  }

  // pg_ctl puts -D and -l into a shell command as they are; PGDATA and a path relative to it need no quoting.
  private ctl(...args: string[]): Promise<Outcome> {
    return this.account.run(join(this.bin, 'pg_ctl'), args, { cwd: this.cluster, env: { PGDATA: this.cluster } });
  }

  /** A log a start, with the previous one kept: bounded, and its end explains this start. */
  private async freshLog(): Promise<void> {
    await rename(this.logFile, `${this.logFile}.1`).catch(unlessMissing);
    const file = await open(this.logFile, 'a', 0o600);
    await file.close();
    await this.account.own(this.logFile);
  }

  private async logTail(): Promise<string> {
    const text = (await readIfThere(this.logFile)) ?? '';
    return `${this.logFile}:\n${text.trimEnd().split('\n').slice(-20).join('\n')}`;
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(unlessMissing);
}

function unlessMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
