import type { Beginning } from '../platform/telemetry/span.js';
import type { Tracing } from '../platform/telemetry/tracing.js';
import type { Click } from './click.js';

/**
 * Work on many clicks, as a part of the trace of each that is traced. While it lasts, what is done for a click is a part of
 * that part.
 */
export async function traced<T>(
  tracing: Tracing,
  clicks: Click[],
  beginning: Beginning,
  work: () => Promise<T>,
): Promise<T> {
  if (!tracing.on) return work();
  const parts = clicks.flatMap((click) => {
    const { trace } = click;
    const span = tracing.continue(trace, beginning);
    if (!span) return [];
    click.trace = span.traceparent;
    return [{ click, trace, span }];
  });
  let error: unknown;
  try {
    return await work();
  } catch (failure) {
    error = failure;
    throw failure;
  } finally {
    for (const { click, trace, span } of parts) {
      click.trace = trace;
      span.end({ error });
    }
  }
}
