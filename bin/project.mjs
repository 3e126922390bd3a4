import { spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// These commands run before anything is installed: on the machine's own Node (20.11 or newer), without dependencies.

export const root = fileURLToPath(new URL('..', import.meta.url));

/** The project's own Node, installed with the development dependencies. */
export const node = join(root, 'node_modules', '.bin', 'node');

/** How a process that plays the API's role is started, in containers too: it collects its heap less often. */
export const apiFlags = ['--max-semi-space-size=32', '--initial-old-space-size=256'];

const parent = process.ppid;

/** What went wrong, in words for whoever typed the command: printed without a stack. */
export class Failure extends Error {}

/** Runs `command` if the file at `url` was started by itself; the number it returns is the exit code. */
export async function runAsCommand(url, command) {
  if (process.argv[1] === undefined || realpathSync(process.argv[1]) !== fileURLToPath(url)) return;
  try {
    process.exitCode = (await command()) ?? 0;
  } catch (error) {
    console.error(error instanceof Failure ? error.message : error);
    process.exitCode = 1;
  }
}

/**
 * Runs a program, in the project's root unless said, and waits for its end, whatever signal comes. With `quiet` its output is
 * returned, otherwise it is shown. `signal` is the one this process was asked to stop with, if any.
 */
export function run(file, args, { quiet = false, cwd = root } = {}) {
  const child = spawn(file, args, { cwd, stdio: quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit' });
  let output = '';
  child.stdout?.on('data', (chunk) => (output += chunk));
  child.stderr?.on('data', (chunk) => (output += chunk));

  let received;
  let forwarded = 0;
  const forward = (signal) => {
    received = signal;
    // A terminal sends Ctrl-C and its hang-up to the child too; npm may repeat what a whole process group was sent. Twice
    // would look like impatience, and cut a clean stop short.
    if ((signal !== 'SIGTERM' && process.stdin.isTTY) || Date.now() - forwarded < 1000) return;
    forwarded = Date.now();
    child.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  const orphaned = watchParent(() => forward('SIGTERM'));

  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Failure(error.message)));
    child.once('close', (code, signal) => resolve({ code: code ?? exitCodeOf(signal), signal: received, output }));
  }).finally(() => {
    for (const signal of signals) process.off(signal, forward);
    clearInterval(orphaned);
  });
}

/**
 * npm runs a script in a shell, which dies of a SIGTERM without passing it on, and npm may be killed: both leave us with
 * another parent. Without npm a lost parent means nothing: a shell may end and leave its jobs running.
 */
function watchParent(onLost) {
  if (process.env.npm_lifecycle_event === undefined) return undefined;
  const interval = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(interval);
    onLost();
  }, 250);
  return interval;
}

/** Ends this process if it was asked to stop while a step before the last one ran. */
export function exitIfStopped({ signal }) {
  if (signal !== undefined) process.exit(exitCodeOf(signal));
}

// As shells do.
function exitCodeOf(signal) {
  return 128 + constants.signals[signal];
}
