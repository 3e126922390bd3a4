const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const QUARTER_HOUR = HOUR / 4;

const LENGTHS = { '24h': DAY, '7d': 7 * DAY, '30d': 30 * DAY, '90d': 90 * DAY, '1y': 365 * DAY } as const;

export interface TimeRange {
  /** Undefined: from the first click on. */
  from: Date | undefined;
  /** Exclusive. */
  to: Date;
}

interface Asked {
  interval?: keyof typeof LENGTHS | 'all' | undefined;
  start?: Date | undefined;
  end?: Date | undefined;
}

/** Sums are kept by quarter-hour: a range that starts or ends within one takes it in whole. */
const quarterHour = (time: number, round: (quarters: number) => number): Date =>
  new Date(round(time / QUARTER_HOUR) * QUARTER_HOUR);

/** The time a query is about, in whole quarter-hours. */
export function timeRange({ interval, start, end }: Asked, now: Date): TimeRange {
  const to = quarterHour((end ?? now).getTime(), Math.ceil);
  if (start) return { from: quarterHour(start.getTime(), Math.floor), to };
  if (interval === 'all') return { from: undefined, to };
  return { from: quarterHour(now.getTime() - LENGTHS[interval ?? '24h'], Math.floor), to };
}

/** The same for single clicks, to the moment. */
export function exactRange({ interval, start, end }: Asked, now: Date): TimeRange {
  const to = end ?? now;
  if (start) return { from: start, to };
  if (interval === 'all') return { from: undefined, to };
  return { from: new Date(now.getTime() - LENGTHS[interval ?? '24h']), to };
}
