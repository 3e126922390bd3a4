const DAY = 24 * 3_600_000;

/** A time from one instant to another, that one excluded. */
export interface Span {
  from: Date;
  to: Date;
}

const atMidnight = (time: Date): boolean => time.getTime() % DAY === 0;

/**
 * The whole UTC days of a range and what is left at its ends. Undefined when there are none, or when the entries of a
 * time series cut through them.
 */
export function daysWithin({ from, to, slices }: Span & { slices: Date[] }): { days: Span; ends: Span[] } | undefined {
  // The first entry begins where the range does, or before.
  if (!slices.slice(1).every(atMidnight)) return undefined;
  const days = {
    from: new Date(Math.ceil(from.getTime() / DAY) * DAY),
    to: new Date(Math.floor(to.getTime() / DAY) * DAY),
  };
  if (days.from >= days.to) return undefined;
  const ends = [
    { from, to: days.from },
    { from: days.to, to },
  ];
  return { days, ends: ends.filter((end) => end.from < end.to) };
}
