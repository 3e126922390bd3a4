import { describe, expect, it } from '@jest/globals';
import { fittingGranularity, type Granularity, slicesOf, tooManySlices } from './slices.js';

const cut = (from: string, to: string, granularity: Granularity, timezone = 'UTC'): string[] =>
  slicesOf(new Date(from), new Date(to), granularity, timezone).map((start) => start.toISOString().slice(0, 16));

describe('slicesOf', () => {
  it('begins weeks on Monday, midnight in the zone', () =>
    expect(cut('2026-01-01T12:00:00Z', '2026-01-14T00:00:00Z', 'week', 'Europe/Berlin')).toEqual([
      '2025-12-28T23:00',
      '2026-01-04T23:00',
      '2026-01-11T23:00',
    ]));
  it('begins months on the first, across the change of the clock', () =>
    expect(cut('2026-01-31T12:00:00Z', '2026-04-30T22:00:00Z', 'month', 'Europe/Berlin')).toEqual([
      '2025-12-31T23:00',
      '2026-01-31T23:00',
      '2026-02-28T23:00',
      '2026-03-31T22:00',
    ]));
  it('begins a day whose midnight is left out at 01:00', () =>
    expect(cut('2026-04-24T12:00:00Z', '2026-04-25T12:00:00Z', 'day', 'Africa/Cairo')).toEqual([
      '2026-04-23T22:00',
      '2026-04-24T21:00',
    ]));
  it('begins a day whose midnight comes twice at the first', () =>
    expect(cut('2026-11-01T04:00:00Z', '2026-11-02T05:00:00Z', 'day', 'America/Havana')).toEqual(['2026-11-01T04:00']));
  it('leaves out a day that a zone has skipped', () =>
    expect(cut('2011-12-29T10:00:00Z', '2011-12-31T10:00:00Z', 'day', 'Pacific/Apia')).toEqual([
      '2011-12-29T10:00',
      '2011-12-30T10:00',
    ]));
  it('cuts hours where the clock of the zone shows full ones', () =>
    expect(cut('2026-01-01T10:00:00Z', '2026-01-01T11:30:00Z', 'hour', 'Asia/Kathmandu')).toEqual([
      '2026-01-01T09:15',
      '2026-01-01T10:15',
      '2026-01-01T11:15',
    ]));
  it('cuts quarter-hours', () =>
    expect(cut('2026-01-01T10:15:00Z', '2026-01-01T10:45:00Z', '15m')).toEqual([
      '2026-01-01T10:15',
      '2026-01-01T10:30',
    ]));
});

describe('granularity', () => {
  it('is by hour up to two days', () => {
    expect(fittingGranularity(new Date(0), new Date(2 * 86_400_000))).toBe('hour');
    expect(fittingGranularity(new Date(0), new Date(3 * 86_400_000))).toBe('day');
  });
  it('may not be too fine for the range', () => {
    expect(tooManySlices(new Date(0), new Date(104 * 86_400_000), '15m')).toBe(false);
    expect(tooManySlices(new Date(0), new Date(105 * 86_400_000), '15m')).toBe(true);
    expect(tooManySlices(new Date(0), new Date(3660 * 86_400_000), 'day')).toBe(false);
  });
});
