import { z } from 'zod';
import { publicId, publicIdText } from '../platform/ids.js';
import { type Dimension, DIMENSIONS, GROUPINGS } from './dimensions.js';
import { GRANULARITIES } from './slices.js';
import { mapFilter, parseFilter, type ValueFilter } from './value-filter.js';

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

const isOne = (filter: ValueFilter | undefined): boolean => filter?.include.length === 1 && filter.exclude.length === 0;

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

function linkFaults({
  linkId,
  domain,
  key,
}: {
  linkId?: unknown;
  domain?: ValueFilter | undefined;
  key?: unknown;
}): Fault[] {
  if (key && !domain) return [{ path: 'domain', code: 'required', message: 'A key needs its domain.' }];
  if (key && !isOne(domain)) return [{ path: 'domain', code: 'ambiguous_link', message: 'A key needs one domain.' }];
  const ambiguous = linkId && domain;
  return ambiguous
    ? [{ path: 'linkId', code: 'ambiguous_link', message: 'Name a link by linkId, or by domain and key.' }]
    : [];
}

const MOST_VALUES = 100;

/** A filter by values, each made the way it is kept. */
const valuesOf = (description: string, kept: (value: string) => string = (value) => value) =>
  z
    .union([z.string().max(5_000), z.array(z.string().max(5_000)).max(MOST_VALUES)])
    .transform((given) => mapFilter(parseFilter(given), kept))
    .refine(({ include, exclude }) => include.length + exclude.length <= MOST_VALUES, {
      message: `Use at most ${MOST_VALUES} values.`,
      params: { code: 'too_big' },
    })
    .meta({ description });

const upper = (value: string): string => value.toUpperCase();
const lower = (value: string): string => value.toLowerCase();

const dimensionFilters = {
  continent: valuesOf('Such as EU', upper).optional(),
  country: valuesOf('ISO 3166-1 alpha-2, such as DE,AT', upper).optional(),
  region: valuesOf('A region').optional(),
  city: valuesOf('A city').optional(),
  device: valuesOf('Such as desktop, mobile, tablet', lower).optional(),
  browser: valuesOf('Such as Chrome').optional(),
  os: valuesOf('Such as Windows').optional(),
  referrer: valuesOf('Host of the page that led here', lower).optional(),
  language: valuesOf('Such as de', lower).optional(),
  utm_source: valuesOf('Of the visited URL').optional(),
  utm_medium: valuesOf('Of the visited URL').optional(),
  utm_campaign: valuesOf('Of the visited URL').optional(),
  utm_term: valuesOf('Of the visited URL').optional(),
  utm_content: valuesOf('Of the visited URL').optional(),
  trigger: valuesOf('link or qr', lower).optional(),
} satisfies Record<Dimension, z.ZodType>;

const linkPublicId = publicId('link');

const linkIds = valuesOf('Ids of links')
  .transform((filter, issues) => {
    const bad = [...filter.include, ...filter.exclude].flatMap((id) => linkPublicId.safeParse(id).error?.issues ?? []);
    const [issue] = bad;
    if (!issue) return mapFilter(filter, (id) => linkPublicId.parse(id));
    issues.addIssue({ code: 'custom', message: issue.message, params: { code: 'invalid_format' } });
    return z.NEVER;
  })
  .meta({ description: 'Ids of links' });

/** What narrows clicks down, in every question about them. */
const filters = {
  linkId: linkIds.optional(),
  domain: valuesOf('Hostnames of your domains').optional(),
  key: z.string().min(1).max(1000).optional().meta({ description: 'Together with one domain: one link' }),
  tag: valuesOf('Tags of the links').optional(),
  ...dimensionFilters,
  bots: z
    .enum(['true', 'false'])
    .default('false')
    .transform((value) => value === 'true')
    .meta({ description: 'Whether clicks of bots count, too' }),
};

/** What filters have in common, wherever they stand. */
export type Filters = z.output<z.ZodObject<typeof filters>>;

export const dimensionsIn = (query: Filters): Partial<Record<Dimension, ValueFilter>> =>
  Object.fromEntries(
    (Object.keys(DIMENSIONS) as Dimension[]).flatMap((name) => {
      const filter = query[name];
      return filter ? [[name, filter]] : [];
    }),
  );

const INTERVALS = ['24h', '7d', '30d', '90d', '1y', 'all'] as const;

const period = {
  interval: z.enum(INTERVALS).optional().meta({ description: 'Up to now; 24h when neither it nor start is given' }),
  start: time.optional(),
  end: time.optional().meta({ description: 'Exclusive; now when left out. Otherwise like start' }),
  timezone,
};

interface Given extends Pick<Filters, 'linkId' | 'domain' | 'key'> {
  interval?: (typeof INTERVALS)[number] | undefined;
  start?: string | undefined;
  end?: string | undefined;
  timezone: string;
}

/** Dates become times, and what contradicts itself is refused. */
const checked = <Query extends Given>(query: Query, issues: z.RefinementCtx) => {
  const times = {
    start: query.start === undefined ? undefined : instantOf(query.start, query.timezone),
    end: query.end === undefined ? undefined : instantOf(query.end, query.timezone),
  };
  for (const { path, code, message } of [...rangeFaults({ ...query, ...times }), ...linkFaults(query)]) {
    issues.addIssue({ code: 'custom', path: [path], message, params: { code } });
  }
  return { ...query, ...times };
};

export const analyticsQuery = z
  .strictObject({
    event: z.enum(['clicks', 'visitors']).default('clicks').meta({
      description: 'What counts, and orders breakdowns. visitors: answers have them beside clicks',
    }),
    groupBy: z.enum(GROUPINGS).default('count'),
    ...period,
    granularity: z
      .enum(['auto', ...GRANULARITIES])
      .default('auto')
      .meta({ description: 'Of a time series; auto: by hour up to two days, by day beyond' }),
    ...filters,
    limit: z
      .string()
      .regex(/^\d{1,4}$/, 'Use a whole number from 1 to 1000.')
      .transform(Number)
      .pipe(z.int().min(1).max(1000))
      .default(100)
      .meta({ type: 'integer', minimum: 1, maximum: 1000, description: 'Most entries of a breakdown' }),
  })
  .transform(checked);
export type AnalyticsQuery = z.output<typeof analyticsQuery>;

export const exportQuery = z
  .strictObject({
    format: z.enum(['csv', 'ndjson']).default('csv'),
    ...period,
    ...filters,
    cursor: z.string().max(1024).optional().meta({ description: 'Of the last row you have: goes on after it' }),
  })
  .transform(checked);
export type ExportQuery = z.output<typeof exportQuery>;

export const exportResponse = z.string().meta({
  description: 'text/csv or application/x-ndjson: a click a line, oldest first, each with the cursor to go on from',
});

export const liveQuery = z.strictObject(filters).superRefine((query, issues) => {
  for (const { path, code, message } of linkFaults(query)) {
    issues.addIssue({ code: 'custom', path: [path], message, params: { code } });
  }
});
export type LiveQuery = z.output<typeof liveQuery>;

export const liveResponse = z.string().meta({
  description: 'text/event-stream: an event `click` for each click, as the export shows it; its id resumes after it',
});

const counts = {
  clicks: z.int(),
  visitors: z.int().optional().meta({ description: 'With event=visitors' }),
};
const wholeHours = z.literal(true).optional().meta({
  description: 'The sums of then are by hour, and hours that lie partly within are counted whole or not at all',
});
const value = z.string().nullable().optional();

export const analyticsResponse = z.union([
  z.object({ ...counts, wholeHours }).meta({ description: 'groupBy=count' }),
  z.array(z.object({ start: z.iso.datetime(), ...counts, wholeHours })).meta({
    description: 'groupBy=timeseries: one entry for each hour, day and so on, also for those without clicks',
  }),
  z
    .array(z.object({ ...Object.fromEntries(Object.keys(DIMENSIONS).map((name) => [name, value])), ...counts }))
    .meta({ description: 'Breakdowns, most clicked first: one field names the value, null where it is not known' }),
  z
    .array(
      z.object({
        id: publicIdText('link'),
        domain: z.string(),
        key: z.string(),
        shortLink: z.string(),
        url: z.string(),
        ...counts,
      }),
    )
    .meta({ description: 'groupBy=top_links' }),
  z.array(z.object({ id: publicIdText('dom'), domain: z.string(), ...counts })).meta({
    description: 'groupBy=top_domains',
  }),
  z.array(z.object({ tag: z.string(), ...counts })).meta({ description: 'groupBy=top_tags' }),
  z.array(z.object({ bot: z.boolean(), ...counts })).meta({ description: 'groupBy=bots' }),
]);
