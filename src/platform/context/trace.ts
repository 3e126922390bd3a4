import { randomBytes } from 'node:crypto';

const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/;

/** Continues the caller's W3C trace with a new span, or starts one. */
export function continueTrace(header: unknown): { traceId: string; traceparent: string } {
  const match = typeof header === 'string' ? TRACEPARENT.exec(header) : null;
  const random = randomBytes(24).toString('hex');
  const traceId = match?.[1] ?? random.slice(16);
  const flags = match?.[2] ?? '00';
  return { traceId, traceparent: `00-${traceId}-${random.slice(0, 16)}-${flags}` };
}

/** The header if it is well-formed. */
export const traceparentOf = (header: unknown): string | undefined =>
  typeof header === 'string' && TRACEPARENT.test(header) ? header : undefined;

const ID = { from: '00-'.length, to: '00-'.length + 32 };

export const traceIdOf = (traceparent: string): string => traceparent.slice(ID.from, ID.to);

/** Whether whoever began the trace has it recorded. */
export const isSampled = (traceparent: string | null | undefined): traceparent is string =>
  !!traceparent && (Number.parseInt(traceparent.slice(-2), 16) & 1) === 1;

/** A trace's id if it is recorded: an exemplar of another would lead nowhere. */
export const sampledTrace = (traceparent: string | undefined): string | undefined =>
  isSampled(traceparent) ? traceIdOf(traceparent) : undefined;
