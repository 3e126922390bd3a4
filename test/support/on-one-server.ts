import { describe, it } from '@jest/globals';
import { CITUS_BIN } from './citus-cluster.js';

/**
 * For tests that look into the locks, plans or partitions of the one PostgreSQL they run on. On Citus these are on other
 * nodes: they are skipped there, and say so.
 */
export const itOnOneServer = (name: string, test: () => Promise<void>, timeout?: number): void => {
  say(name);
  (CITUS_BIN === undefined ? it : it.skip)(name, test, timeout);
};

export function describeOnOneServer(name: string, tests: () => void): void {
  say(name);
  (CITUS_BIN === undefined ? describe : describe.skip)(name, tests);
}

function say(name: string): void {
  if (CITUS_BIN !== undefined) process.stderr.write(`Skipped: "${name}", for it looks into one server\n`);
}
