import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../test/support/waypost-process.ts';

export const root = fileURLToPath(new URL('..', import.meta.url));
const START_SECONDS = 90;
const STOP_SECONDS = 20;

/** The project's own Node: servers under measurement run on what production runs on. */
export const node = join(root, 'node_modules', '.bin', 'node');

/**
 * A real Waypost, all roles, on an embedded PostgreSQL and a data directory of its own. `stop` leaves nothing behind;
 * `end` leaves the data, for whoever wants to start something else on it, and does not hinder `stop`.
 *
 * @param atEnd is given `stop` as soon as there is something to stop, by those who end more than this; the others need not care
 * @param more settings besides those that keep it to itself
 */
export async function startWaypost(atEnd = onSignal, more = {}) {
  const home = await mkdtemp(join(tmpdir(), 'waypost-bench-'));
  await chmod(home, 0o755); // root lends PostgreSQL another account, which must be able to come this far
  const dataDir = join(home, 'data');
  const { PORT, REDIRECT_PORT, OPS_PORT } = await freePorts();
  const settings = {
    PORT,
    REDIRECT_PORT,
    OPS_PORT,
    DATA_DIR: dataDir,
    LOG_LEVEL: 'warn',
    SECRET_KEY: randomBytes(32).toString('base64'),
    ...more,
  };
  const child = spawn(node, ['dist/main.js'], {
    cwd: root,
    env: { ...machine(), ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));

  const end = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      await Promise.race([once(child, 'exit'), sleep(STOP_SECONDS * 1000)]);
    }
    if (child.exitCode !== 0) console.error(`Waypost ended with ${child.exitCode ?? child.signalCode}:\n${output}`);
  };
  const stop = async () => {
    await end();
    await removeData(home, dataDir);
  };
  atEnd(stop);
  try {
    await started(child, () => output);
    const credentials = JSON.parse(await readFile(join(dataDir, 'credentials.json'), 'utf8'));
    return { ...credentials, home, dataDir, secretKey: settings.SECRET_KEY, output: () => output, end, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function onSignal(stop) {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stop().finally(() => process.exit(1)));
}

/** Settings of another Waypost must not reach this one. */
export function machine() {
  const { PATH, HOME, LANG, TMPDIR } = process.env;
  return { PATH, HOME, LANG, TMPDIR };
}

async function started(child, output) {
  for (const end = Date.now() + START_SECONDS * 1000; Date.now() < end; await sleep(100)) {
    if (child.exitCode !== null) throw new Error(`Waypost did not start:\n${output()}`);
    if (output().includes('Stop with Ctrl-C')) return;
  }
  throw new Error(`Waypost was not up within ${START_SECONDS} s:\n${output()}`);
}

/** The cluster lies in the data directory, or is linked from there where PostgreSQL's account could not reach it. */
async function removeData(home, dataDir) {
  const cluster = await realpath(join(dataDir, 'postgres')).catch(() => undefined);
  if (cluster !== undefined && basename(dirname(cluster)).startsWith('cluster-')) {
    await rm(dirname(cluster), { recursive: true, force: true });
  }
  await rm(home, { recursive: true, force: true });
}

/** JSON in, JSON out; anything but a success is an error. */
export async function ask(url, { method = 'GET', key, body } = {}) {
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** The sums of the counters named, from the operations port. */
export async function counters({ opsUrl }, ...names) {
  const text = await (await fetch(`${opsUrl}/metrics`)).text();
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  return names.map((name) =>
    lines
      .filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0),
  );
}

/** Waits until ingest has stored every click that was accepted. */
export async function ingested(waypost, seconds = 120) {
  for (const end = Date.now() + seconds * 1000; ; await sleep(200)) {
    const [accepted, stored] = await counters(waypost, 'waypost_clicks_accepted_total', 'waypost_clicks_stored_total');
    if (stored === accepted) return;
    if (Date.now() > end) throw new Error(`Of ${accepted} clicks only ${stored} were stored within ${seconds} s`);
  }
}
