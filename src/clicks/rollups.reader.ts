const HOUR = 3_600_000;
/** Thirteen months, whichever they are, and a few days. */
const QUARTER_HOURS_KEPT = 400 * 24 * HOUR;

/**
 * Sums of before are by hour, or will be soon: upkeep adds their quarter-hours up.
 *
 * @returns a full hour of UTC
 */
export const quarterHoursKeptSince = (now: Date): Date =>
  new Date(Math.floor((now.getTime() - QUARTER_HOURS_KEPT) / HOUR) * HOUR);
