import { randomBytes } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// Loaded by Node itself, outside the test runner, hence the extension.
import { CITUS_BIN, startCitus } from './citus-cluster.ts';
import { freePorts, removeData, spawnWaypost, type WaypostProcess, whenStarted } from './waypost-process.ts';

let shared: { process: WaypostProcess; dataDir: string; stopCitus: (() => Promise<void>) | undefined } | undefined;

/** Starts the Waypost that all integration tests share: each makes tenants of its own on it. */
export async function setup(): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'waypost-test-'));
  const tlsAskKey = randomBytes(32).toString('hex');
  // It takes over the server that it finds in its folder.
  const stopCitus = CITUS_BIN === undefined ? undefined : await startCitus(CITUS_BIN, dataDir);
  const waypost = spawnWaypost({
    ...(await freePorts()),
    DATA_DIR: dataDir,
    LOG_LEVEL: 'warn',
    TLS_ASK_KEY: tlsAskKey,
    // All tests come from one address, and many ask for what is not there.
    SCAN_LIMIT_BURST: '1000000',
    RATE_LIMIT_FAILURES: '1000000',
    GEO_COUNTRY_HEADER: 'X-Test-Country',
    // Identity providers of tests.
    OUTGOING_ALLOW: '127.0.0.1/32',
  });
  shared = { process: waypost, dataDir, stopCitus };
  const credentials = await whenStarted(waypost, dataDir);
  process.env.WAYPOST_UNDER_TEST = JSON.stringify({ ...credentials, dataDir, tlsAskKey });
}

/** Stops it. One that does not stop cleanly, or that had to report a fault of its own, fails the run. */
export async function teardown(): Promise<void> {
  if (!shared) return;
  const { process: waypost, dataDir, stopCitus } = shared;
  waypost.child.kill('SIGTERM');
  const code = await waypost.exited;
  await stopCitus?.();
  await removeData(dataDir);
  if (code !== 0) throw new Error(`The shared Waypost ended with ${code}:\n${waypost.output()}`);
  if (waypost.output().includes('a reason that is ours')) {
    throw new Error(`Some request was answered with 500:\n${waypost.output()}`);
  }
}
