import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { RedisCluster } from './redis-cluster.ts';
import { WatchedRedis } from './redis-sentinels.ts';
import { RedisServer } from './redis-server.ts';

// `npm run test:redis -- server|sentinel|cluster [what npm test takes]`: the tests on a Redis that ends with them.

const kinds: Record<string, () => Promise<{ url: string; remove: () => Promise<void> }>> = {
  server: () => RedisServer.start(),
  sentinel: () => WatchedRedis.start(),
  cluster: () => RedisCluster.start(false),
};

const [kind = '', ...tests] = process.argv.slice(2);
const start = kinds[kind];
if (!start) {
  process.stderr.write(`The first argument is one of: ${Object.keys(kinds).join(', ')}\n`);
  process.exit(2);
}
const redis = await start();
try {
  const env = { ...process.env, REDIS_URL: redis.url };
  const run = spawn('npm', ['test', '--silent', '--', ...tests], { stdio: 'inherit', env });
  // Of a Ctrl-C the tests learn from the terminal; this waits for them.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => run.kill(signal));
  const [code] = (await once(run, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
} finally {
  await redis.remove();
}
