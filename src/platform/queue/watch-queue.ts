import type { Job, Queue } from 'bullmq';
import { queueJobs, queueOldestJobAge } from '../telemetry/gauges.js';
import type { Logger } from '../telemetry/logger.js';
import { SlowLook } from '../telemetry/slow-look.js';

const STATES = ['waiting', 'active', 'delayed', 'failed'] as const;

interface State {
  counts: Record<(typeof STATES)[number], number>;
  /** When the job that has waited longest was due, in ms since 1970. */
  dueSince: number | undefined;
}

/** How many jobs a queue has and how long they wait, for the metrics. */
export function watchQueue(queue: Queue, logger: Logger): void {
  const look = new SlowLook(`queue ${queue.name}`, () => stateOf(queue), logger);
  const its = { queue: queue.name };
  for (const state of STATES) queueJobs.watch({ ...its, state }, async () => (await look.now())?.counts[state]);
  queueOldestJobAge.watch(its, async () => {
    const state = await look.now();
    return state && Math.max(0, Date.now() - (state.dueSince ?? Infinity)) / 1000;
  });
}

async function stateOf(queue: Queue): Promise<State> {
  const { waiting = 0, prioritized = 0, ...counts } = await queue.getJobCounts('prioritized', ...STATES);
  const { active = 0, delayed = 0, failed = 0 } = counts;
  // Those with a priority are put back by ingest until others had their turn; they wait all the same.
  const first = await Promise.all([
    waiting > 0 ? queue.getJobs(['waiting'], 0, 0, true) : [],
    prioritized > 0 ? queue.getJobs(['prioritized'], 0, 0, true) : [],
  ]);
  const due = first.flat().flatMap((job) => (job ? [dueAt(job)] : []));
  return {
    counts: { waiting: waiting + prioritized, active, delayed, failed },
    dueSince: due.length > 0 ? Math.min(...due) : undefined,
  };
}

/** One on schedule is made long before it is due. */
const dueAt = ({ timestamp, opts }: Job): number => timestamp + (opts.delay ?? 0);
