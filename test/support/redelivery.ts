import { setTimeout as sleep } from 'node:timers/promises';
import type { Segments } from './click-segments.js';

const LOOK_EVERY_MS = 250;

/**
 * Delivers each segment twice more, before or after the worker has dealt with it, as a queue may that promises no more than
 * `at least once`.
 */
export class Redelivery {
  private readonly seen = new Set<string>();
  private stopped = false;
  private readonly running = this.run();

  constructor(private readonly segments: Segments) {}

  /** @returns how many segments were delivered again */
  async stop(): Promise<number> {
    this.stopped = true;
    await this.running;
    return this.seen.size;
  }

  private async run(): Promise<void> {
    // Once more after the end: what was dealt with last is to be seen, too.
    for (let last = false; !last;) {
      last = this.stopped;
      try {
        for (const job of await this.segments.known()) {
          if (this.seen.has(job.segment)) continue;
          await this.segments.deliver(job);
          await this.segments.deliver(job);
          this.seen.add(job.segment);
        }
      } catch {
        // The queue is away, as it is meant to be at times: what it did not take is still to be seen there.
      }
      await sleep(LOOK_EVERY_MS);
    }
  }
}
