import { performance } from 'node:perf_hooks';
import type { Series } from '../../platform/telemetry/counted-histogram.js';
import { redirectDuration } from '../../platform/telemetry/metrics.js';

/** The fast lane answers with 301, 302, 307 and 308. */
const FIRST = 300;
const STATUSES = 10;

/**
 * How long visits take. Those of the fast lane are answered together, when their clicks are on disk: two looks at the
 * clock for all, and one addition a visit. Each counts with the time of the first, which waited longest.
 */
export class VisitTimes {
  private readonly counts = Array.from({ length: STATUSES }, () => 0);
  private readonly series: Series[] = [];
  /** Of the latest traced one, by status. */
  private readonly traces: Array<string | undefined> = [];
  private since = 0;
  private waiting = false;
  private ending = false;

  /** The fast lane looks at a visit. */
  begin(): void {
    if (!this.waiting) this.since = performance.now();
  }

  /** It answers, with all others that wait. */
  count(status: number, traceId: string | undefined): void {
    if (traceId) this.traces[status - FIRST] = traceId;
    this.counts[status - FIRST] = Number(this.counts[status - FIRST]) + 1;
    this.waiting = true;
  }

  /** One of them has been answered: all others are, before anything else is done. */
  answered(): void {
    if (this.ending) return;
    this.ending = true;
    process.nextTick(this.end);
  }

  /** A visit that went the full way. */
  add(status: number, ms: number, traceId: string | undefined): void {
    redirectDuration.of({ status }).add(ms / 1000, 1, traceId);
  }

  private readonly end = (): void => {
    const seconds = (performance.now() - this.since) / 1000;
    this.waiting = this.ending = false;
    for (let n = 0; n < STATUSES; n++) {
      const times = Number(this.counts[n]);
      if (times === 0) continue;
      this.counts[n] = 0;
      this.series[n] ??= redirectDuration.of({ status: FIRST + n });
      this.series[n]?.add(seconds, times, this.traces[n]);
      this.traces[n] = undefined;
    }
  };
}
