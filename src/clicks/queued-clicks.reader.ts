import type { Queue } from 'bullmq';
import type { Secrets } from '../platform/secrets/secrets.js';
import { clicksIn } from './clicks-in.js';
import { CLICKS_KEY, type ClicksJob } from './clicks.jobs.js';

const UNFINISHED = ['wait', 'active', 'delayed', 'prioritized', 'failed'] as const;
/** Segments opened at one look: the queue should not be read twice because somebody looks at it. */
const OPENED_AT_ONCE = 100;

/** Counts the clicks that wait in the queue. Each segment is opened once, however often somebody looks. */
export class QueuedClicks {
  private known = new Map<string, number>();

  constructor(
    private readonly queue: Queue<ClicksJob>,
    private readonly secrets: Secrets,
  ) {}

  /** Exact, unless so many came since the last look that the rest is taken for like those that were opened. */
  async count(): Promise<number> {
    const ids = await this.queue.getRanges([...UNFINISHED], 0, -1);
    const known = new Map<string, number>();
    const unknown: string[] = [];
    for (const id of ids) {
      const clicks = this.known.get(id);
      if (clicks === undefined) unknown.push(id);
      else known.set(id, clicks);
    }
    for (const id of unknown.slice(0, OPENED_AT_ONCE)) {
      const clicks = await this.clicksOf(id);
      if (clicks !== undefined) known.set(id, clicks);
    }
    this.known = known;
    const sum = known.values().reduce((all, clicks) => all + clicks, 0);
    const rest = Math.max(0, unknown.length - OPENED_AT_ONCE);
    return rest === 0 ? sum : Math.round((sum / known.size) * (known.size + rest));
  }

  /** @returns undefined for one that was finished meanwhile */
  private async clicksOf(id: string): Promise<number | undefined> {
    const job = await this.queue.getJob(id);
    if (!job) return undefined;
    const { segment, frames } = job.data;
    return clicksIn(segment, Buffer.from(frames, 'base64'), this.secrets.keysFor(CLICKS_KEY, segment)) ?? 0;
  }
}
