import { z } from 'zod';
import { publicId } from '../platform/ids.js';

// What Node takes besides IANA's names. PostgreSQL does not know them, or means another zone: IST is Israel's there.
const NOT_IANA =
  /^(A[CES]T|AGT|ART|B[ES]T|C[ANS]T|CTT|E[AC]T|I[ES]T|JST|MIT|N[ES]T|PLT|P[NRS]T|SST|VST|SystemV\/.*|US\/Pacific-New)$/i;

/** An IANA name, current or older. Bare offsets are no time zones, and PostgreSQL reads their sign the other way round. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name) || NOT_IANA.test(name)) return false;
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone: name }));
  } catch {
    return false;
  }
}

const timezone = z
  .string()
  .max(100)
  .refine(isTimeZone, {
    message: 'Use an IANA time zone such as Europe/Berlin.',
    params: { code: 'unknown_time_zone' },
  })
  .default('UTC');

const time = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()])
  .transform((text) => new Date(text))
  .meta({ type: 'string', format: 'date-time' });

/** A time series has an entry for each day. */
const LONGEST = 10 * 366 * 24 * 3_600_000;

function rangeFault(start: Date, end: Date): { code: string; message: string } | undefined {
  const length = end.getTime() - start.getTime();
  if (length <= 0) return { code: 'empty_range', message: 'The start must lie before the end.' };
  return length > LONGEST ? { code: 'range_too_long', message: 'Ask for at most ten years.' } : undefined;
}

export const INTERVALS = ['24h', '7d', '30d', '90d', '1y', 'all'] as const;

export const analyticsQuery = z
  .strictObject({
    groupBy: z.enum(['count', 'timeseries']).default('count'),
    interval: z.enum(INTERVALS).optional().meta({ description: 'Up to now; 24h when neither it nor start is given' }),
    start: time.optional(),
    end: time.optional().meta({ description: 'Exclusive; now when left out' }),
    timezone,
    linkId: publicId('link').optional(),
    domain: z.string().min(1).max(300).optional(),
    key: z.string().min(1).max(1000).optional().meta({ description: 'Together with domain: one link' }),
  })
  .superRefine((query, issues) => {
    const refuse = (path: string, code: string, message: string) =>
      issues.addIssue({ code: 'custom', path: [path], message, params: { code } });
    if (query.interval && (query.start || query.end))
      refuse('interval', 'interval_and_range', 'Give interval, or start and end.');
    if (query.end && !query.start) refuse('start', 'required', 'An end needs a start.');
    const fault = query.start && rangeFault(query.start, query.end ?? new Date());
    if (fault) refuse('start', fault.code, fault.message);
    if (query.key && !query.domain) refuse('domain', 'required', 'A key needs its domain.');
  });
export type AnalyticsQuery = z.output<typeof analyticsQuery>;

export const analyticsResponse = z.union([
  z.object({ clicks: z.int() }).meta({ description: 'groupBy=count' }),
  z
    .array(z.object({ start: z.iso.datetime(), clicks: z.int() }))
    .meta({ description: 'groupBy=timeseries: one entry for each hour (24h) or day, also for those without clicks' }),
]);
