import { randomBytes } from 'node:crypto';
// Loaded by Node itself, outside the test runner, hence the extension.
import { Visitor } from './visitor.ts';

/**
 * One client that asks for random keys as fast as it can, over 16 connections, in a process of its own so that it
 * does not slow down whoever measures. Arguments: port, host, how many. Prints the answers by status as JSON.
 */
const [port = '', host = '', count = ''] = process.argv.slice(2);
const statuses: Record<number, number> = {};
let left = Number(count);

async function scan(): Promise<void> {
  const visitor = new Visitor({ port: Number(port) });
  while (left-- > 0) {
    const { status } = await visitor.get(host, `/${randomBytes(6).toString('hex')}`);
    statuses[status] = (statuses[status] ?? 0) + 1;
  }
  visitor.leave();
}

await Promise.all(Array.from({ length: 16 }, scan));
process.stdout.write(JSON.stringify(statuses));
