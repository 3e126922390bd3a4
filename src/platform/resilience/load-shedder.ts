import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';

const LIMITS = {
  /** Pieces of work open at a time. More than this many only wait for each other. */
  open: 10_000,
  /** In ms, median over the window: a single long pause, as of a garbage collection, is no overload. */
  loopDelay: 250,
  /** In ms. */
  window: 1_000,
};
const RESOLUTION = 20;

/** What was asked for would take work that the process has no time for now. */
export class Overloaded extends Error {
  constructor() {
    super('There is too much to do');
  }
}

/** Tells when this process has more to do than it can: what can be refused is then better refused early. */
export class LoadShedder implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loopDelay = monitorEventLoopDelay({ resolution: RESOLUTION });
  private timer: NodeJS.Timeout | undefined;
  private open = 0;
  private slow = false;

  constructor(private readonly limits = LIMITS) {}

  get overloaded(): boolean {
    return this.slow || this.open >= this.limits.open;
  }

  /** Counts the work as open until it is done. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    this.open++;
    try {
      return await work();
    } finally {
      this.open--;
    }
  }

  onApplicationBootstrap(): void {
    this.loopDelay.enable();
    this.timer = setInterval(() => this.look(), this.limits.window).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
    this.loopDelay.disable();
  }

  private look(): void {
    // Two ticks make a measurement; a window without one was too short for two turns.
    this.slow = this.loopDelay.count === 0 || this.loopDelay.percentile(50) / 1e6 > this.limits.loopDelay;
    this.loopDelay.reset();
  }
}
