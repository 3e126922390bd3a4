import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../test/support/free-port.ts';
import { freePorts } from '../test/support/waypost-process.ts';
import { apiFlags } from '../bin/project.mjs';
import { ownHeaders } from './report.mjs';
import { machine, node, root } from './waypost.mjs';

// Processes that are measured and that measure. Where cores can be given out, the server under measurement has one to
// itself, and everything else shares another: visitors, PostgreSQL, and the benchmark itself.

const START_SECONDS = 30;
const STOP_SECONDS = 30;
const SETTLE_SECONDS = 60;
const PROBE_MS = 30_000;
/** A server that uses less than this share of a core has nothing left to do: its timers alone may take a twentieth. */
const IDLE = 0.1;
const [SERVER_CORE, OTHER_CORE] = ['0', '1'];

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const onPath = (command) =>
  (process.env.PATH ?? '')
    .split(':')
    .map((directory) => join(directory, command))
    .find((file) => existsSync(file));

const taskset = availableParallelism() > 1 ? onPath('taskset') : undefined;
const chrt = onPath('chrt');
export const nginx = onPath('nginx');

/** Children inherit the core, PostgreSQL included. */
export function takeOtherCore() {
  if (taskset) execFileSync(taskset, ['-acp', OTHER_CORE, String(process.pid)], { stdio: 'ignore' });
  return taskset
    ? `server on core ${SERVER_CORE}, everything else on core ${OTHER_CORE}`
    : 'cores shared by server and everything else: no taskset, or only one core';
}

/**
 * Visitors who wait for their core behind PostgreSQL and the worker would see the server late whatever it does. Of the
 * system's schedulers only the real-time ones tell apart processes of different sessions; they are root's to give.
 */
export function comeFirst({ pid }, first) {
  const policy = first ? ['--rr', '--pid', '1'] : ['--other', '--pid', '0'];
  if (chrt && process.getuid() === 0) execFileSync(chrt, ['--all-tasks', ...policy, String(pid)]);
  else if (first) console.log('Visitors wait for their core behind PostgreSQL, which p99 shows: no chrt, or not root');
}

/**
 * A process on cores of its own.
 *
 * @param cores as taskset takes them
 */
function launch(command, args, { env = machine(), cores = SERVER_CORE } = {}) {
  const pinned = taskset ? [taskset, '-c', cores, command, ...args] : [command, ...args];
  const child = spawn(pinned[0], pinned.slice(1), { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_SECONDS * 1000);
    await ended;
    clearTimeout(late);
    if (child.signalCode === 'SIGKILL') console.error(`A server did not end by itself:\n${output}`);
  };
  return { child, stop, output: () => output };
}

const measured = ['--import', here('./probe.mjs')];

/** What a server has used so far, by its own account. */
async function probe(child, what) {
  child.send(what);
  for (;;) {
    const [answer] = await once(child, 'message', { signal: AbortSignal.timeout(PROBE_MS) });
    if (answer[what]) return answer[what];
  }
}

export const memoryOf = ({ child }) => probe(child, 'memory');

/** The most it has had, in bytes. */
export const peakMemoryOf = async ({ child }) => (await probe(child, 'peak')).rss;

export async function cpuMs({ child }) {
  const { user, system } = await probe(child, 'cpu');
  return (user + system) / 1000;
}

/** Waits until a server has done what a round left it to do: clicks on their way to the queue. */
export async function settled(server) {
  for (const end = Date.now() + SETTLE_SECONDS * 1000; Date.now() < end;) {
    const before = await cpuMs(server);
    await sleep(400);
    if ((await cpuMs(server)) - before < 400 * IDLE) return;
  }
  throw new Error(`A server was still busy ${SETTLE_SECONDS} s after its round:\n${server.output()}`);
}

/** A redirecting process and nothing else, with an empty memory and a data directory of its own. */
export const startRedirect = ({ workers, ...given }) =>
  startRole('redirect', { ...given, more: workers && { REDIRECT_WORKERS: String(workers) }, everyCore: workers });

/** A worker, on the core of everything else unless told otherwise. */
export const startWorker = (given) => startRole('worker', { cores: OTHER_CORE, ...given });

/** The API, on the cores that everything else has, too. */
export const startApi = (given) => startRole('api', { ...given, flags: apiFlags, everyCore: true });

/** All cores, as taskset takes them. */
export const EVERY_CORE = `0-${availableParallelism() - 1}`;

async function startRole(role, { env, home, profile, more, flags = [], everyCore, cores }) {
  const { PORT, REDIRECT_PORT, OPS_PORT } = await freePorts();
  const DATA_DIR = await mkdtemp(join(home, `${role}-`));
  const settings = {
    APP_ROLE: role,
    HOST: '127.0.0.1',
    LOG_LEVEL: 'warn',
    PORT,
    REDIRECT_PORT,
    OPS_PORT,
    DATA_DIR,
  };
  const profiling = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [];
  const server = launch(node, [...measured, ...profiling, ...flags, 'dist/main.js'], {
    env: { ...machine(), ...settings, ...env, ...more },
    cores: cores ?? (everyCore ? EVERY_CORE : SERVER_CORE),
  });
  const opsUrl = `http://127.0.0.1:${OPS_PORT}`;
  for (const end = Date.now() + START_SECONDS * 1000; ; await sleep(100)) {
    const ready = await fetch(`${opsUrl}/readyz`).catch(() => undefined); // refused until it listens
    if (ready?.ok) return { ...server, port: Number(REDIRECT_PORT), apiUrl: `http://127.0.0.1:${PORT}`, opsUrl };
    if (server.child.exitCode !== null || Date.now() > end) {
      await server.stop();
      throw new Error(`The ${role} did not start:\n${server.output()}`);
    }
  }
}

/** A bare server that gives one answer to everything. */
export async function startBare(answer, given) {
  const server = launch(node, [...measured, here('./baseline.mjs'), JSON.stringify(answer)], given);
  const [port] = await once(server.child, 'message', { signal: AbortSignal.timeout(START_SECONDS * 1000) });
  return { ...server, port };
}

/** nginx with one worker that gives one answer to everything. */
export async function startNginx({ status, headers }) {
  const home = await mkdtemp(join(tmpdir(), 'waypost-bench-nginx-'));
  const port = await freePort();
  const added = Object.entries(headers).filter(([name]) => !/^(location|content-length)$/.test(name));
  const config = [
    `pid ${home}/pid; error_log stderr; daemon off; master_process off; worker_processes 1;`,
    'events {}',
    `http { access_log off; keepalive_requests 100000000; server { listen 127.0.0.1:${port};`,
    ...added.map(([name, value]) => `add_header ${name} "${value}";`),
    `location / { return ${status} "${headers.location}"; } } }`,
  ].join('\n');
  await writeFile(join(home, 'nginx.conf'), config);
  const server = launch(nginx, ['-p', home, '-c', join(home, 'nginx.conf')]);
  const stop = async () => {
    await server.stop();
    await rm(home, { recursive: true, force: true });
  };
  for (const end = Date.now() + START_SECONDS * 1000; ; await sleep(50)) {
    const answer = await answerOf({ port, host: 'localhost', path: '/' }).catch(() => undefined);
    if (answer) return { ...server, port, stop };
    if (server.child.exitCode !== null || Date.now() > end) {
      await stop();
      throw new Error(`nginx did not start:\n${server.output()}`);
    }
  }
}

/** What a server answers, without what Node adds by itself. */
export function answerOf({ port, host, path }) {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers: { host }, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk) => (body += chunk));
      response.once('end', () => resolve({ status: response.statusCode, headers: ownHeaders(response.headers), body }));
      response.once('error', reject);
    })
      .once('error', reject)
      .end();
  });
}
