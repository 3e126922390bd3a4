import { setTimeout as sleep } from 'node:timers/promises';
import type { Segments } from './click-segments.js';

const LOOK_EVERY_MS = 250;
const LATELY = 50;

/** Delivers each segment that the worker has dealt with twice more, as a queue may that promises no more than `at least once`. */
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
    while (!this.stopped) {
      try {
        for (const job of await this.segments.finished(LATELY)) {
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
