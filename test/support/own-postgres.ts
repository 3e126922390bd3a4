import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/platform/embedded/embedded-postgres.js';
import { CITUS_BIN, startCitus } from './citus-cluster.js';

/** A PostgreSQL server of a test's own, to do with what must not be done to the shared one. */
export class OwnPostgres {
  private frozen: number[] = [];

  private constructor(
    private readonly dataDir: string,
    private readonly server: Pick<EmbeddedPostgres, 'adminUrl' | 'urlFor' | 'stop'>,
  ) {}

  static async start(dataDir: string): Promise<OwnPostgres> {
    const stopCitus = CITUS_BIN === undefined ? undefined : await startCitus(CITUS_BIN, dataDir);
    const server = await startEmbeddedPostgres({ dataDir, log: () => undefined });
    const stop = async (): Promise<void> => {
      await server.stop();
      await stopCitus?.();
    };
    return new OwnPostgres(dataDir, { adminUrl: server.adminUrl, urlFor: (role) => server.urlFor(role), stop });
  }

  /** One that was started in `postgres` of this folder by other means. */
  static over(dataDir: string, server: Pick<EmbeddedPostgres, 'adminUrl' | 'urlFor' | 'stop'>): OwnPostgres {
    return new OwnPostgres(dataDir, server);
  }

  get adminUrl(): string {
    return this.server.adminUrl;
  }

  urlFor(role: string): string {
    return this.server.urlFor(role);
  }

  /**
   * Kills all its processes but the first, which then starts them anew: what was in memory is gone, and the log of writes
   * is all there is to recover from, on the same port.
   */
  crash(): void {
    for (const child of childrenOf(this.postmaster())) signal(child, 'SIGKILL');
  }

  /** Stops the server as an operator would; connections are refused until `up`. */
  async down(): Promise<void> {
    const postmaster = this.postmaster();
    signal(postmaster, 'SIGINT');
    while (isAlive(postmaster)) await sleep(50);
  }

  /** Starts it again as it was started before, on the same port. Whoever connects waits for it. */
  up(): void {
    const cluster = realpathSync(join(this.dataDir, 'postgres'));
    const words = readFileSync(join(cluster, 'postmaster.opts'), 'utf8').trim();
    const [command = '', ...quoted] = words.split(/ (?=")/);
    const args = quoted.map((word) => word.slice(1, -1));
    const { uid, gid } = statSync(cluster);
    const account = process.getuid?.() === uid ? {} : { uid, gid };
    spawn(command, args, {
      cwd: cluster,
      env: { PGDATA: cluster },
      stdio: 'ignore',
      detached: true,
      ...account,
    }).unref();
  }

  /** Halts the server and all its processes where they stand: connections stay open, and nobody answers. */
  freeze(): void {
    const postmaster = this.postmaster();
    // The parent first: it can start no more children then.
    this.halt(postmaster);
    for (const child of childrenOf(postmaster)) this.halt(child);
  }

  thaw(): void {
    for (const pid of this.frozen.splice(0)) signal(pid, 'SIGCONT');
  }

  async stop(): Promise<void> {
    this.thaw();
    await this.server.stop();
  }

  private postmaster(): number {
    return Number(readFileSync(join(this.dataDir, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]);
  }

  private halt(pid: number): void {
    if (signal(pid, 'SIGSTOP')) this.frozen.push(pid);
  }
}

/** @returns false when the process has ended meanwhile */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** One that has ended and that nobody has asked about is none. */
function isAlive(pid: number): boolean {
  if (!signal(pid, 0)) return false;
  return process.platform !== 'linux' || stateOf(pid) !== 'Z';
}

function stateOf(pid: number): string {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? '';
  } catch {
    return 'Z';
  }
}

function childrenOf(parent: number): number[] {
  const table =
    process.platform === 'linux' ? fromProc() : execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  const rows = table
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/).map(Number));
  return rows.filter(([, ppid]) => ppid === parent).map(([pid]) => Number(pid));
}

/** A slim container has no ps. */
const fromProc = (): string =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => `${pid} ${ppidOf(pid)}`)
    .join('\n');

function ppidOf(pid: string): string {
  try {
    // After the name in brackets, which may hold anything: state, then parent.
    return /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1] ?? '';
  } catch (error) {
    // It ended while the others were read.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}
