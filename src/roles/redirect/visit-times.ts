import { performance } from 'node:perf_hooks';
import type { Series } from '../../platform/telemetry/counted-histogram.js';
import { redirectDuration } from '../../platform/telemetry/metrics.js';

/** The fast lane answers with 301, 302, 307 and 308. */
const FIRST = 300;
const STATUSES = 10;

/**
 * How long visits take. Those of the fast lane are answered together at the end of a turn of the event loop: two looks at
 * the clock a turn, and one addition a visit. Each counts with the time of the turn's first, which waited longest.
 */
export class VisitTimes {
  private readonly counts = Array.from({ length: STATUSES }, () => 0);
  private readonly series: Series[] = [];
  /** Of the latest traced one, by status. */
  private readonly traces: Array<string | undefined> = [];
  private turn: NodeJS.Immediate | undefined;
  private since = 0;

  /** The fast lane looks at a visit. */
  begin(): void {
    if (this.turn === undefined) this.since = performance.now();
  }

  /** It answers, when all that was asked of this turn's end before has been done. */
  count(status: number, traceId: string | undefined): void {
    if (traceId) this.traces[status - FIRST] = traceId;
    this.counts[status - FIRST] = Number(this.counts[status - FIRST]) + 1;
    this.turn ??= setImmediate(this.end);
  }

  /** A visit that went the full way. */
  add(status: number, ms: number, traceId: string | undefined): void {
    redirectDuration.of({ status }).add(ms / 1000, 1, traceId);
  }

  private readonly end = (): void => {
    const seconds = (performance.now() - this.since) / 1000;
    this.turn = undefined;
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
