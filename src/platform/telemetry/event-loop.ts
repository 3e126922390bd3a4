import { performance } from 'node:perf_hooks';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { eventLoopActive, eventLoopLag } from './metrics.js';

const EVERY_MS = 100;

/** Measures how busy the event loop is, for the metrics. */
@Injectable()
export class EventLoopWatch implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly lag = eventLoopLag.of({});
  private timer: NodeJS.Timeout | undefined;
  private due = 0;

  onApplicationBootstrap(): void {
    eventLoopActive({}, () => performance.eventLoopUtilization().active / 1000);
    this.due = performance.now() + EVERY_MS;
    this.timer = setInterval(() => this.look(), EVERY_MS).unref();
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  /** A timer that comes late is not made up for: the next is due from then on. */
  private look(): void {
    const now = performance.now();
    this.lag.add(Math.max(0, now - this.due) / 1000);
    this.due = now + EVERY_MS;
  }
}
