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

const time = z.union([z.iso.datetime({ offset: true }), z.iso.date()]).meta({
  description: 'A time, or a date: the beginning of that day in the time zone',
});

const instantOf = (text: string, timezone: string): Date =>
  text.includes('T')
    ? new Date(text)
    : new Date(Temporal.PlainDate.from(text).toZonedDateTime(timezone).epochMilliseconds);

/** A time series has an entry for each day. */
const LONGEST = 10 * 366 * 24 * 3_600_000;

type Fault = { path: string; code: string; message: string };

function rangeFaults({
  interval,
  start,
  end,
}: {
  interval?: unknown;
  start?: Date | undefined;
  end?: Date | undefined;
}): Fault[] {
  if (interval && (start || end)) {
    return [{ path: 'interval', code: 'interval_and_range', message: 'Give interval, or start and end.' }];
  }
  if (!start) return end ? [{ path: 'start', code: 'required', message: 'An end needs a start.' }] : [];
  const length = (end ?? new Date()).getTime() - start.getTime();
  if (length <= 0) return [{ path: 'start', code: 'empty_range', message: 'The start must lie before the end.' }];
  return length > LONGEST ? [{ path: 'start', code: 'range_too_long', message: 'Ask for at most ten years.' }] : [];
}

function linkFaults({ linkId, domain, key }: { linkId?: unknown; domain?: unknown; key?: unknown }): Fault[] {
  if (key && !domain) return [{ path: 'domain', code: 'required', message: 'A key needs its domain.' }];
  const ambiguous = linkId && domain;
  return ambiguous
    ? [{ path: 'linkId', code: 'ambiguous_link', message: 'Name a link by linkId, or by domain and key.' }]
    : [];
}

const INTERVALS = ['24h', '7d', '30d', '90d', '1y', 'all'] as const;

export const analyticsQuery = z
  .strictObject({
    groupBy: z.enum(['count', 'timeseries']).default('count'),
    interval: z.enum(INTERVALS).optional().meta({ description: 'Up to now; 24h when neither it nor start is given' }),
    start: time.optional(),
    end: time.optional().meta({ description: 'Exclusive; now when left out. Otherwise like start' }),
    timezone,
    linkId: publicId('link').optional(),
    domain: z.string().min(1).max(300).optional(),
    key: z.string().min(1).max(1000).optional().meta({ description: 'Together with domain: one link' }),
  })
  .transform(({ start, end, ...query }) => ({
    ...query,
    start: start === undefined ? undefined : instantOf(start, query.timezone),
    end: end === undefined ? undefined : instantOf(end, query.timezone),
  }))
  .superRefine((query, issues) => {
    for (const { path, code, message } of [...rangeFaults(query), ...linkFaults(query)]) {
      issues.addIssue({ code: 'custom', path: [path], message, params: { code } });
    }
  });
export type AnalyticsQuery = z.output<typeof analyticsQuery>;

export const analyticsResponse = z.union([
  z.object({ clicks: z.int() }).meta({ description: 'groupBy=count' }),
  z
    .array(z.object({ start: z.iso.datetime(), clicks: z.int() }))
    .meta({ description: 'groupBy=timeseries: one entry for each hour (24h) or day, also for those without clicks' }),
]);
