import { spawnSync } from 'node:child_process';
import { describe } from '@jest/globals';

/**
 * For tests that kill Redis: they need one of their own, and its program. Without it they are skipped, and say so; but
 * not where the checks of a change run on Redis.
 */
export function describeWithRedis(name: string, tests: () => void): void {
  const { error } = spawnSync('redis-server', ['--version']);
  const { CI, REDIS_URL } = process.env;
  if (error && CI && REDIS_URL) throw new Error('The run on Redis needs redis-server', { cause: error });
  if (error) process.stderr.write(`Skipped: "${name}", for there is no redis-server here (${error.message})\n`);
  (error ? describe.skip : describe)(name, tests);
}
