import { beforeAll, describe, expect, it } from '@jest/globals';
import { clicked } from '../support/clicks.js';
import { newDomain } from '../support/domains.js';
import {
  eventually,
  type LinkBody,
  newTenant,
  type ProblemBody,
  type Tenant,
  unique,
  visit,
} from '../support/waypost.js';

interface Slice {
  start: string;
  clicks: number;
}

let tenant: Tenant;
let link: LinkBody;
beforeAll(async () => {
  tenant = await newTenant();
  link = await tenant.link({ key: unique() });
});

const path = (query: Record<string, string>): string => `/v1/analytics?${new URLSearchParams(query)}`;
async function count(query: Record<string, string> = {}, caller = tenant): Promise<number> {
  const { status, body } = await caller.get<{ clicks: number }>(path({ groupBy: 'count', ...query }));
  expect([status, Object.keys(body)]).toEqual([200, ['clicks']]);
  return body.clicks;
}
async function timeseries(query: Record<string, string>, caller = tenant): Promise<Slice[]> {
  const { status, body } = await caller.get<Slice[]>(path({ groupBy: 'timeseries', ...query }));
  expect(status).toBe(200);
  return body;
}
const shown = (slices: Slice[]): Array<[string, number]> => slices.map(({ start, clicks }) => [start, clicks]);

/** A tenant whose only link was clicked at these times. */
async function clickedAt(times: string[]): Promise<Tenant> {
  const own = await newTenant();
  await clicked(own, await own.link(), times);
  return own;
}

describe('counts', () => {
  it('are of the link, the domain, the key or everything', async () => {
    const own = await newTenant();
    const other = await newDomain(own);
    const [first, second, third] = [await own.link(), await own.link(), await own.link({ domain: other.hostname })];
    const visits: Array<[LinkBody, number]> = [[first, 3], [second, 2], [third, 1]]; // prettier-ignore
    for (const [{ domain, key }, times] of visits) {
      for (let n = 0; n < times; n++) expect((await visit(domain, `/${key}`)).status).toBe(302);
    }

    await eventually(
      () => count({}, own),
      (clicks) => clicks === 6,
    );
    expect(await count({ interval: 'all' }, own)).toBe(6);
    for (const [{ id, domain, key }, clicks] of visits) {
      expect(await count({ linkId: id }, own)).toBe(clicks);
      expect(await count({ domain, key }, own)).toBe(clicks);
    }
    expect(await count({ domain: own.domain }, own)).toBe(5);
    expect(await count({ domain: other.hostname.toUpperCase() }, own)).toBe(1);
    expect((await own.get<LinkBody>(`/v1/links/${first.id}`)).body).toMatchObject({
      clicks: 3,
      lastClickedAt: expect.stringMatching(/Z$/),
    });
  });

  it('are of the time asked for, in whole quarter-hours', async () => {
    const own = await clickedAt([
      '2026-01-10T11:59:00Z',
      '2026-01-10T12:00:00Z',
      '2026-01-10T12:14:59Z',
      '2026-01-10T12:15:00Z',
    ]);
    expect(await count({}, own)).toBe(0);
    expect(await count({ interval: 'all' }, own)).toBe(4);
    expect(await count({ start: '2026-01-10T12:00:00Z', end: '2026-01-10T12:15:00Z' }, own)).toBe(2);
    expect(await count({ start: '2026-01-10T12:07:00Z', end: '2026-01-10T12:15:00Z' }, own)).toBe(2);
    expect(await count({ start: '2026-01-10T17:45:00+05:45' }, own)).toBe(3);
    expect(await count({ start: '2026-01-10' }, own)).toBe(4);
    expect(await count({ start: '2026-01-10', end: '2026-01-10T12:00:00Z' }, own)).toBe(1);
  });

  it.each(['24h', '7d', '30d', '90d', '1y', 'all'])('take %s up to now', async (interval) => {
    const days = { '24h': 1, '7d': 7, '30d': 30, '90d': 90, '1y': 365, all: 1000 }[interval] ?? 0;
    const ago = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();
    const own = await clickedAt([ago(0), ago(days * 24 - 1), ago(days * 24 + 1)]);
    expect(await count({ interval }, own)).toBe(interval === 'all' ? 3 : 2);
    const series = await timeseries({ interval }, own);
    expect(series.reduce((sum, { clicks }) => sum + clicks, 0)).toBe(interval === 'all' ? 3 : 2);
  });
});

describe('time series', () => {
  it('have every hour of a day, clicks or not', async () => {
    const own = await clickedAt(['2026-01-10T01:30:00Z', '2026-01-10T01:45:00Z', '2026-01-10T23:59:59Z']);
    const series = await timeseries({ start: '2026-01-10T00:00:00Z', end: '2026-01-11T00:00:00Z' }, own);
    expect(series.map(({ start }) => start)).toEqual(
      Array.from({ length: 24 }, (_, hour) => `2026-01-10T${String(hour).padStart(2, '0')}:00:00.000Z`),
    );
    expect(series.map(({ clicks }) => clicks)).toEqual([0, 2, ...Array<number>(21).fill(0), 1]);
  });

  it('have 24 hours and the one that has begun, up to now', async () => {
    const series = await timeseries({ interval: '24h' });
    expect(series.length).toBeGreaterThanOrEqual(24);
    expect(series.length).toBeLessThanOrEqual(26);
    const last = Date.parse(series.at(-1)?.start ?? '');
    expect(Date.now() - last).toBeLessThan(3_601_000);
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

  it('begin with the first click when everything is asked for, and are empty without any', async () => {
    const day = new Date(Date.now() - 3 * 86_400_000).toISOString().slice(0, 10);
    const own = await clickedAt([`${day}T12:00:00Z`]);
    const series = await timeseries({ interval: 'all' }, own);
    expect(series.map(({ clicks }) => clicks)).toEqual([1, 0, 0, 0]);
    expect(series[0]?.start).toBe(`${day}T00:00:00.000Z`);
    expect(await timeseries({ interval: 'all' }, await newTenant())).toEqual([]);
  });

  it('are there in every time zone that the platform knows', async () => {
    const refused: string[] = [];
    for (const timezone of [...Intl.supportedValuesOf('timeZone'), ...OLDER_NAMES]) {
      const { status } = await tenant.get(path({ groupBy: 'timeseries', interval: '7d', timezone }));
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

describe('questions', () => {
  it.each<[string, () => Record<string, string>, number, string]>([
    ['link', () => ({ linkId: 'link_01h455vb4pex5vsknk084sn02q' }), 404, 'link_not_found'],
    ['domain', () => ({ domain: 'nobody.example' }), 404, 'domain_not_found'],
    ['hostname', () => ({ domain: 'no host' }), 404, 'domain_not_found'],
    ['key', () => ({ domain: tenant.domain, key: 'nobody' }), 404, 'link_not_found'],
    ['key there', () => ({ domain: 'nobody.example', key: link.key }), 404, 'link_not_found'],
  ])('about an unknown %s are answered 404, not 0', async (_name, query, status, code) => {
    for (const groupBy of ['count', 'timeseries']) {
      expect(await tenant.get(path({ groupBy, ...query() }))).toBeProblem(status, code);
    }
  });

  it.each<[Record<string, string>, string]>([
    [{ groupBy: 'planets' }, '/groupBy'],
    [{ interval: '1h' }, '/interval'],
    [{ interval: '7d', start: '2026-01-01' }, '/interval'],
    [{ interval: '7d', end: '2026-01-01' }, '/interval'],
    [{ end: '2026-01-01' }, '/start'],
    [{ start: '2026-01-02', end: '2026-01-01' }, '/start'],
    [{ start: '2026-01-01', end: '2026-01-01' }, '/start'],
    [{ start: '2999-01-01' }, '/start'],
    [{ start: '0001-01-01', end: '9999-01-01' }, '/start'],
    [{ start: 'yesterday' }, '/start'],
    [{ start: '2026-02-30' }, '/start'],
    [{ start: '2026-01-01T00:00:00' }, '/start'],
    [{ start: '1767225600000' }, '/start'],
    [{ key: 'a' }, '/domain'],
    [{ linkId: 'nonsense' }, '/linkId'],
    ...['', 'Mars/Olympus', '+02:00', 'UTC+2', "Europe/Berlin'", 'ACT', 'IST', 'SystemV/PST8', 'localtime'].map(
      (timezone): [Record<string, string>, string] => [{ timezone }, '/timezone'],
    ),
  ])('that make no sense are refused: %j', async (query, pointer) => {
    for (const groupBy of ['count', 'timeseries']) {
      const answer = await tenant.get<ProblemBody>(path({ groupBy, ...query }));
      expect(answer).toBeProblem(422, 'invalid_input');
      expect(answer.body.errors?.[0]?.pointer).toBe(pointer);
    }
  });
});
