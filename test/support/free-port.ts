import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * The system takes the ports of connections that go out, and those of servers that name none, from above these: one of
 * them could be gone again before a server has it. Each process of the test runner has a share of its own.
 */
const PORTS = { from: 12_000, runners: 8, each: 2_000 };
const share = PORTS.from + (Number(process.env.JEST_WORKER_ID ?? 0) % PORTS.runners) * PORTS.each;
let next = Math.floor(Math.random() * PORTS.each);

/** Nobody has it right now, and nobody else is given it before all others were. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS.each; tries++) {
    const port = share + (next++ % PORTS.each);
    if (await isFree(port)) return port;
  }
  throw new Error(`All ports from ${share} to ${share + PORTS.each - 1} are taken`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
