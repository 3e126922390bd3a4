const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const QUARTER_HOUR = HOUR / 4;

const LENGTHS = { '24h': DAY, '7d': 7 * DAY, '30d': 30 * DAY, '90d': 90 * DAY, '1y': 365 * DAY } as const;

export interface TimeRange {
  /** Start of a quarter-hour; undefined: from the first click on. */
  from: Date | undefined;
  /** Exclusive. */
  to: Date;
  unit: 'hour' | 'day';
}

interface Asked {
  interval?: keyof typeof LENGTHS | 'all' | undefined;
  start?: Date | undefined;
  end?: Date | undefined;
}

/** Rollups are by quarter-hour: a range that starts within one takes it in whole. */
const quarterHour = (time: number): Date => new Date(Math.floor(time / QUARTER_HOUR) * QUARTER_HOUR);

/** The time a query is about, and how finely it is drawn: by hour up to two days, by day beyond. */
export function timeRange({ interval, start, end }: Asked, now: Date): TimeRange {
  if (start) {
    const to = end ?? now;
    const unit = to.getTime() - start.getTime() <= 2 * DAY ? 'hour' : 'day';
    return { from: quarterHour(start.getTime()), to, unit };
  }
  if (interval === 'all') return { from: undefined, to: now, unit: 'day' };
  const length = LENGTHS[interval ?? '24h'];
  return { from: quarterHour(now.getTime() - length), to: now, unit: length <= 2 * DAY ? 'hour' : 'day' };
}
