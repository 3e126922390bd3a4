import { spawnSync } from 'node:child_process';
import { describe } from '@jest/globals';

const { error } = spawnSync('promtool', ['--version']);

if (error) {
  const missing = 'promtool and prometheus are not here (apt-get install prometheus)';
  if (process.env.CI) throw new Error(missing, { cause: error });
  process.stderr.write(`Skipped: rules and dashboards on a Prometheus, for ${missing}\n`);
}

/** For what needs Prometheus and its tool. Where the checks of a change run, both have to be there. */
export const describeWithPrometheus = error ? describe.skip : describe;
