const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export const GRANULARITIES = ['15m', 'hour', 'day', 'week', 'month'] as const;
export type Granularity = (typeof GRANULARITIES)[number];

/** Shortest lengths, by which to tell beforehand how many there would be at most. */
const SHORTEST: Record<Granularity, number> = {
  '15m': HOUR / 4,
  hour: HOUR,
  day: 23 * HOUR,
  week: 7 * DAY - HOUR,
  month: 28 * DAY - HOUR,
};

/** An answer has no more entries than this. */
const MOST_SLICES = 10_000;

export const tooManySlices = (from: Date, to: Date, granularity: Granularity): boolean =>
  (to.getTime() - from.getTime()) / SHORTEST[granularity] > MOST_SLICES;

/** By hour up to two days, by day beyond. */
export const fittingGranularity = (from: Date, to: Date): Granularity =>
  to.getTime() - from.getTime() <= 2 * DAY + HOUR ? 'hour' : 'day';

/**
 * Where the slices of a time series begin; the first one may begin before the range.
 *
 * Days, weeks (from Monday on) and months begin where the clock in this time zone says so: days may have 23 or 25 hours,
 * or begin at 01:00. Hours and quarter-hours are cut in absolute time, from a local full hour on: an hour that the clock
 * shows twice is two, and on Lord Howe Island the clock moves by half an hour.
 */
export function slicesOf(from: Date, to: Date, granularity: Granularity, timezone: string): Date[] {
  const first = Temporal.Instant.fromEpochMilliseconds(from.getTime()).toZonedDateTimeISO(timezone);
  if (granularity === '15m') return evenly(from.getTime(), to.getTime(), HOUR / 4);
  if (granularity === 'hour') {
    const pastHour = ((first.minute * 60 + first.second) * 1000) % HOUR;
    return evenly(from.getTime() - pastHour, to.getTime(), HOUR);
  }
  const [date, step] = beginning(first.toPlainDate(), granularity);
  const slices: Date[] = [];
  for (let n = 0; ; n++) {
    const start = new Date(date.add(step(n)).toZonedDateTime(timezone).epochMilliseconds);
    if (start >= to) return slices;
    // A date that the zone has skipped begins with the one after it.
    if (start.getTime() !== slices.at(-1)?.getTime()) slices.push(start);
  }
}

type Step = (n: number) => { days: number } | { months: number };

function beginning(
  date: Temporal.PlainDate,
  granularity: 'day' | 'week' | 'month',
): [date: Temporal.PlainDate, step: Step] {
  if (granularity === 'day') return [date, (days) => ({ days })];
  if (granularity === 'week') return [date.subtract({ days: date.dayOfWeek - 1 }), (weeks) => ({ days: 7 * weeks })];
  return [date.with({ day: 1 }), (months) => ({ months })];
}

const evenly = (from: number, to: number, step: number): Date[] =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, n) => new Date(from + n * step));
