import type { Span } from '../platform/telemetry/span.js';
import type { Tracing } from '../platform/telemetry/tracing.js';

/** Segments of which it is noted: what waits for a queue that is away must not grow without bound here. */
const MOST_SEGMENTS = 1_000;

/** How long traced clicks lie in the spool. What the process does not live to see is missing from its trace, no more. */
export class SpoolTraces {
  private readonly spans = new Map<string, Span[]>();

  constructor(private readonly tracing: Tracing) {}

  begin(segment: string | undefined, trace: string): void {
    if (segment === undefined || (!this.spans.has(segment) && this.spans.size >= MOST_SEGMENTS)) return;
    const attributes = { 'messaging.system': 'bullmq', 'messaging.destination.name': 'clicks' };
    const span = this.tracing.continue(trace, { name: 'spool click', kind: 'producer', attributes });
    if (span) this.spans.set(segment, [...(this.spans.get(segment) ?? []), span]);
  }

  /** The queue has it. */
  end(segment: string): void {
    const spans = this.spans.get(segment);
    if (!spans) return;
    this.spans.delete(segment);
    for (const span of spans) span.end({ attributes: { 'waypost.segment': segment } });
  }
}
