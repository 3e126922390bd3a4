import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, realpath, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';

/** Where this version's code is. */
export const ROOT = join(import.meta.dirname, '../..');
const NODE = join(ROOT, 'node_modules/.bin/node');

/** What `$DATA_DIR/credentials.json` promises. */
export interface Credentials {
  apiUrl: string;
  redirectUrl: string;
  opsUrl: string;
  tenantId: string;
  apiKey: string;
  platformKey: string;
  domain: string;
}

/** A real Waypost process. */
export interface WaypostProcess {
  child: ChildProcess;
  /** All it has printed so far. */
  output: () => string;
  /** Resolves with the exit code, or the signal that ended it. */
  exited: Promise<number | NodeJS.Signals>;
}

/** Three ports that nobody has right now. */
export async function freePorts(): Promise<{ PORT: string; REDIRECT_PORT: string; OPS_PORT: string }> {
  const [api, redirect, ops] = await Promise.all([freePort(), freePort(), freePort()]);
  return { PORT: String(api), REDIRECT_PORT: String(redirect), OPS_PORT: String(ops) };
}

/**
 * Where the suite runs on Redis, a deployment with data of its own needs keys of its own there, too: a database, or on
 * a Cluster, which has none, a name.
 */
export function ownRedis(index: number): Record<string, string> {
  const { REDIS_URL } = process.env;
  if (!REDIS_URL) return {};
  if (/^rediss?\+cluster:/.test(REDIS_URL)) return { REDIS_URL: `${REDIS_URL}/test-${index}` };
  if (/^rediss?\+sentinel:/.test(REDIS_URL)) return { REDIS_URL: `${REDIS_URL}/${index}` };
  return { REDIS_URL: new URL(`/${index}`, REDIS_URL).href };
}

/**
 * Runs a compiled entry point with exactly these variables besides the machine's own.
 *
 * @param entry its file, and arguments if any
 * @param detached in a process group of its own, as a terminal's job is
 * @param root where the code is
 */
export function spawnWaypost(
  env: Record<string, string>,
  entry = 'dist/main.js',
  detached = false,
  root = ROOT,
): WaypostProcess {
  const options = { cwd: root, env: { ...process.env, ...env }, detached };
  const child = spawn(NODE, ['--enable-source-maps', ...entry.split(' ')], options);
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals);
  return { child, output: () => text, exited };
}

/** Waits until the process has its ports open and has written its credentials. */
export async function whenStarted(waypost: WaypostProcess, dataDir: string, seconds = 90): Promise<Credentials> {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    if (waypost.child.exitCode !== null) throw new Error(`It ended by itself:\n${waypost.output()}`);
    if (waypost.output().includes('Stop with Ctrl-C')) {
      return JSON.parse(await readFile(join(dataDir, 'credentials.json'), 'utf8')) as Credentials;
    }
    await sleep(50);
  }
  throw new Error(`It was not up within ${seconds} s:\n${waypost.output()}`);
}

/** Removes what a process that has ended left behind. As root it keeps its cluster where the server's account can reach it. */
export async function removeData(dataDir: string): Promise<void> {
  const cluster = dirname(await realpath(join(dataDir, 'postgres')));
  if (basename(cluster).startsWith('cluster-')) await rm(cluster, { recursive: true, force: true });
  await rm(dataDir, { recursive: true, force: true });
}
