import { createHmac } from 'node:crypto';

const DAY_MS = 24 * 3600 * 1000;
/** For how many days after its end a day's salt is kept: clicks that come so late still know their visitor. */
const SALT_KEPT_DAYS = 2;
const HASH_BYTES = 16;

// Clicks of one day come by the thousand.
let lastDay = { number: NaN, text: '' };

/** The UTC day of a time, `2026-11-24`. */
export function dayOf(time: number): string {
  const number = Math.floor(time / DAY_MS);
  if (number !== lastDay.number) {
    lastDay = { number, text: new Date(number * DAY_MS).toISOString().slice(0, 'yyyy-mm-dd'.length) };
  }
  return lastDay.text;
}

/** The first day whose salt is still there. */
export const firstSaltedDay = (now: number): string => dayOf(now - SALT_KEPT_DAYS * DAY_MS);

/**
 * Who clicked, as far as one day's clicks of one tenant have to be told apart. Without the key, which is destroyed,
 * nobody can try addresses.
 *
 * @param key of the day
 */
export function visitorOf(key: Buffer, tenantId: string, address: string, userAgent = ''): Buffer {
  return createHmac('sha256', key).update(`${tenantId}|${address}|${userAgent}`).digest().subarray(0, HASH_BYTES);
}
