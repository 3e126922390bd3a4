import type { IncomingMessage } from 'node:http';
import { isSampled, traceIdOf, traceparentOf } from '../../platform/context/trace.js';
import type { Span } from '../../platform/telemetry/span.js';
import type { Tracing } from '../../platform/telemetry/tracing.js';

/** Anybody can say that a visit is traced, and one in a hundred of ninety thousand a second is more than anybody looks at. */
const MOST_A_SECOND = 100;
const SECOND_MS = 1_000;

const SPAN = Symbol('span');
/** Null: not traced, as was decided already. */
type Traced = IncomingMessage & { [SPAN]?: Span | null };

/**
 * Which visits are traced: those of whose trace the visitor, or the edge in front, says that it is recorded; and of all that
 * say nothing, a small part. Past so many a second none is: a span takes as long as several visits.
 */
export class VisitTraces {
  private traced = 0;
  private since = -Infinity;

  constructor(private readonly tracing: Tracing) {}

  /** @returns undefined for nearly all */
  begin(request: IncomingMessage): Span | undefined {
    if (!this.tracing.on || (request as Traced)[SPAN] === null) return undefined;
    const begun = spanOf(request);
    if (begun) return begun;
    const parent = traceparentOf(request.headers.traceparent);
    const chosen = parent === undefined ? Math.random() < this.tracing.redirectRatio : isSampled(parent);
    if (!chosen || !this.allows()) return undefined;
    const { method = 'GET' } = request;
    const span = this.tracing.record({
      name: `${method} /*`,
      kind: 'server',
      parent,
      // Neither address nor destination: a span tells as little of visitors as a metric.
      attributes: { 'http.request.method': method, 'http.route': '/*' },
    });
    if (span) (request as Traced)[SPAN] = span;
    return span;
  }

  /** The fast lane leaves the visit to the full way, where it is not drawn for a second time. */
  keep(request: IncomingMessage): void {
    if (this.tracing.on) (request as Traced)[SPAN] ??= null;
  }

  /** Ends the span of a visit, if it has one. */
  end(request: IncomingMessage, status: number): void {
    spanOf(request)?.end({
      attributes: { 'http.response.status_code': status },
      ...(status >= 500 && { error: String(status) }),
    });
  }

  private allows(): boolean {
    const now = performance.now();
    if (now - this.since >= SECOND_MS) [this.since, this.traced] = [now, 0];
    return ++this.traced <= MOST_A_SECOND;
  }
}

export const spanOf = (request: IncomingMessage): Span | undefined => (request as Traced)[SPAN] ?? undefined;

/** For the log. */
export const traceIn = (request: IncomingMessage): { traceId?: string } => {
  const span = spanOf(request);
  return span ? { traceId: traceIdOf(span.traceparent) } : {};
};
