import { describe, expect, it } from '@jest/globals';
import { clickedAt } from '../support/clicks.js';
import { newTenant, type Tenant } from '../support/waypost.js';

interface Slice {
  start: string;
  clicks: number;
}

const path = (query: Record<string, string>): string =>
  `/v1/analytics?${new URLSearchParams({ groupBy: 'timeseries', ...query })}`;
async function timeseries(query: Record<string, string>, caller: Tenant): Promise<Slice[]> {
  const { status, body } = await caller.get<Slice[]>(path(query));
  expect(status).toBe(200);
  return body;
}
const shown = (slices: Slice[]): Array<[string, number]> => slices.map(({ start, clicks }) => [start, clicks]);

describe('time series', () => {
  it('have every hour of a day, clicks or not', async () => {
    const own = await clickedAt(['2026-01-10T01:30:00Z', '2026-01-10T01:45:00Z', '2026-01-10T23:59:59Z']);
    const series = await timeseries({ start: '2026-01-10T00:00:00Z', end: '2026-01-11T00:00:00Z' }, own);
    expect(series.map(({ start }) => start)).toEqual(
      Array.from({ length: 24 }, (_, hour) => `2026-01-10T${String(hour).padStart(2, '0')}:00:00.000Z`),
    );
    expect(series.map(({ clicks }) => clicks)).toEqual([0, 2, ...Array<number>(21).fill(0), 1]);
  });

  it('take a bare date for the beginning of that day in the time zone', async () => {
    const own = await clickedAt(['2026-01-01T18:14:00Z', '2026-01-01T18:15:00Z', '2026-01-02T18:14:00Z']);
    const asked = { start: '2026-01-02', end: '2026-01-03', timezone: 'Asia/Kathmandu' };
    const series = await timeseries(asked, own);
    expect(series.reduce((sum, { clicks }) => sum + clicks, 0)).toBe(2);
    expect(series[0]?.start).toBe('2026-01-01T18:15:00.000Z');
  });

  it('cut days where Kathmandu does, at 18:15 UTC', async () => {
    const own = await clickedAt([
      '2026-01-01T18:14:00Z',
      '2026-01-01T18:15:00Z',
      '2026-01-02T18:14:00Z',
      '2026-01-04T18:14:59Z',
    ]);
    const asked = { start: '2026-01-01T00:00:00+05:45', end: '2026-01-05T00:00:00+05:45', timezone: 'Asia/Kathmandu' };
    expect(shown(await timeseries(asked, own))).toEqual([
      ['2025-12-31T18:15:00.000Z', 1],
      ['2026-01-01T18:15:00.000Z', 2],
      ['2026-01-02T18:15:00.000Z', 0],
      ['2026-01-03T18:15:00.000Z', 1],
    ]);
  });

  it.each([
    ['of 23 hours', 'Europe/Berlin', '2026-03-28T23:00:00Z', '2026-03-29T22:00:00Z', 23],
    ['of 25 hours', 'Europe/Berlin', '2025-10-25T22:00:00Z', '2025-10-26T23:00:00Z', 25],
  ])('cut a day %s into its hours', async (_name, timezone, start, end, hours) => {
    const own = await clickedAt([start, new Date(Date.parse(end) - 1).toISOString()]);
    const series = await timeseries({ start, end, timezone }, own);
    expect(series.map((slice) => Date.parse(slice.start))).toEqual(
      Array.from({ length: hours }, (_, hour) => Date.parse(start) + hour * 3_600_000),
    );
    expect([series[0]?.clicks, series.at(-1)?.clicks]).toEqual([1, 1]);
  });

  it.each([
    [
      'Europe/Berlin',
      ['2025-10-24T22:00', '2025-10-25T22:00', '2025-10-26T23:00', '2025-10-27T23:00', '2025-10-28T23:00'],
    ],
    [
      'Europe/Berlin',
      ['2026-03-26T23:00', '2026-03-27T23:00', '2026-03-28T23:00', '2026-03-29T22:00', '2026-03-30T22:00'],
    ],
    // In Chile the clock jumps at midnight: 7 September begins at 01:00.
    ['America/Santiago', ['2025-09-05T04:00', '2025-09-06T04:00', '2025-09-07T04:00', '2025-09-08T03:00']],
    ['America/Santiago', ['2025-09-07T04:00', '2025-09-08T03:00', '2025-09-09T03:00', '2025-09-10T03:00']],
    ['Pacific/Apia', ['2026-01-01T11:00', '2026-01-02T11:00', '2026-01-03T11:00', '2026-01-04T11:00']],
  ])('cut days across a change of the clock: %s %j', async (timezone, boundaries) => {
    const instants = boundaries.map((text) => `${text}:00.000Z`);
    const starts = instants.slice(0, -1);
    const lasts = instants.slice(1).map((end) => new Date(Date.parse(end) - 1).toISOString());
    const own = await clickedAt([...starts, ...lasts]);
    const asked = { start: String(instants[0]), end: String(instants.at(-1)), timezone };
    expect(shown(await timeseries(asked, own))).toEqual(starts.map((start) => [start, 2]));
  });

  it('lose no click where the clock moves by half an hour', async () => {
    const own = await clickedAt([
      '2025-10-04T12:30:00Z',
      '2025-10-04T15:30:00Z',
      '2025-10-04T16:00:00Z',
      '2025-10-04T19:45:00Z',
    ]);
    const asked = { start: '2025-10-04T12:30:00Z', end: '2025-10-04T20:00:00Z', timezone: 'Australia/Lord_Howe' };
    expect((await timeseries(asked, own)).map(({ clicks }) => clicks)).toEqual([1, 0, 0, 2, 0, 0, 0, 1]);
  });

  it.each([
    ['24h', 24],
    ['7d', 7],
    ['30d', 30],
    ['90d', 90],
    ['1y', 365],
  ])('of %s end now and lose no click', async (interval, slices) => {
    const now = Date.now();
    const length = slices * (interval === '24h' ? 3_600_000 : 86_400_000);
    const own = await clickedAt(
      [now, now - length / 2, now - length + 3_600_000].map((time) => new Date(time).toISOString()),
    );
    const series = await timeseries({ interval }, own);
    expect([slices, slices + 1]).toContain(series.length);
    expect(series.reduce((sum, { clicks }) => sum + clicks, 0)).toBe(3);
  });

  it('begin with the first click when everything is asked for, and are empty without any', async () => {
    const day = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10);
    const own = await clickedAt([`${day}T12:00:00Z`]);
    const series = await timeseries({ interval: 'all' }, own);
    expect(series.map(({ clicks }) => clicks)).toEqual([1, 0, 0, 0]);
    expect(series[0]?.start).toBe(`${day}T00:00:00.000Z`);
    expect(await timeseries({ interval: 'all' }, await newTenant())).toEqual([]);
  });

  it('are there in every time zone that the platform knows', async () => {
    const tenant = await newTenant();
    const refused: string[] = [];
    for (const timezone of [...Intl.supportedValuesOf('timeZone'), ...OLDER_NAMES]) {
      const { status } = await tenant.get(path({ interval: '7d', timezone }));
      if (status !== 200) refused.push(`${timezone} ${status}`);
    }
    expect(refused).toEqual([]);
  });
});

const OLDER_NAMES = [
  'UTC',
  'GMT',
  'Asia/Katmandu',
  'Asia/Calcutta',
  'US/Pacific',
  'Etc/GMT+12',
  'EST5EDT',
  'europe/berlin',
];
