import { jobDuration } from '../telemetry/metrics.js';

/** Notes how long a job takes and how it ends. */
export async function timeJob(queue: string, work: () => Promise<void>): Promise<void> {
  const since = performance.now();
  let outcome = 'failed';
  try {
    await work();
    outcome = 'done';
  } finally {
    jobDuration({ queue, outcome }, (performance.now() - since) / 1000);
  }
}
