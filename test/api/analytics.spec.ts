import { beforeAll, describe, expect, it } from '@jest/globals';
import { AnalyticsRepository } from '../../src/analytics/analytics.repository.js';
import { clicked, clickedAt } from '../support/clicks.js';
import { appTransaction } from '../support/app-transaction.js';
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
    const asked = { groupBy: 'count', event: 'visitors', linkId: first.id };
    const { visitors } = (await own.get<{ visitors: number }>(path(asked))).body;
    // One visitor, or two if midnight came between.
    expect([1, 2]).toContain(visitors);
    expect((await own.get<LinkBody>(`/v1/links/${first.id}`)).body).toMatchObject({
      clicks: 3,
      visitors,
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
  });
});

describe('time series', () => {
  it('are refused where they would be endless', async () => {
    const answer = await tenant.get<ProblemBody>(
      path({ groupBy: 'timeseries', granularity: '15m', start: '2025-01-01', end: '2026-01-01' }),
    );
    expect(answer).toBeProblem(422, 'invalid_input');
    expect(answer.body.errors).toEqual([expect.objectContaining({ pointer: '/granularity', code: 'too_fine' })]);
  });
});

describe('breakdowns', () => {
  // Of one day: somebody is a visitor anew on the next. A minute ago, or so.
  const lately = Date.now() - 60_000;
  const recently = new Date(Math.max(lately - 1_800_000, lately - (lately % 86_400_000))).toISOString();
  const later = new Date(lately).toISOString();

  it('name each value once, the most clicked first, and null where it is not known', async () => {
    const own = await newTenant();
    const link = await own.link({ tags: ['blue'] });
    await clicked(own, [
      { at: recently, link, country: 'DE', city: 'Berlin', visitor: 'a' },
      { at: later, link, country: 'DE', city: 'Bonn', visitor: 'a' },
      { at: later, link, visitor: 'b' },
      { at: later, link, visitor: 'c', trigger: 'qr', country: 'AT' },
      { at: later, link, visitor: 'c' },
      { at: later, link, country: 'DE' },
      { at: later, link, country: 'US', bot: true },
    ]);
    const answers = async (query: Record<string, string>): Promise<unknown> => {
      const { status, body } = await own.get<unknown>(path(query));
      return status === 200 ? body : status;
    };
    expect(await answers({ groupBy: 'countries' })).toEqual([
      { country: 'DE', clicks: 3 },
      { country: null, clicks: 2 },
      { country: 'AT', clicks: 1 },
    ]);
    expect(await answers({ groupBy: 'countries', event: 'visitors', limit: '2' })).toEqual([
      { country: 'DE', clicks: 3, visitors: 1 },
      { country: null, clicks: 2, visitors: 1 },
    ]);
    expect(await answers({ groupBy: 'countries', bots: 'true', country: 'us,at' })).toEqual([
      { country: 'AT', clicks: 1 },
      { country: 'US', clicks: 1 },
    ]);
    expect(await answers({ groupBy: 'cities', country: 'DE', city: '-' })).toEqual([
      { city: 'Berlin', clicks: 1 },
      { city: 'Bonn', clicks: 1 },
    ]);
    expect(await answers({ groupBy: 'bots' })).toEqual([{ bot: false, clicks: 6 }, { bot: true, clicks: 1 }]); // prettier-ignore
    expect(await answers({ groupBy: 'top_tags' })).toEqual([{ tag: 'blue', clicks: 6 }]);
    expect(await answers({ groupBy: 'top_domains' })).toEqual([{ id: own.domainId, domain: own.domain, clicks: 6 }]);
    const { id, domain, key, shortLink, url } = link;
    expect(await answers({ groupBy: 'top_links', trigger: 'qr' })).toEqual([
      { id, domain, key, shortLink, url, clicks: 1 },
    ]);
    expect(await answers({ event: 'visitors' })).toEqual({ clicks: 6, visitors: 3 });
    expect(await answers({ groupBy: 'countries', country: 'FR' })).toEqual([]);
  });

  it('by single clicks are refused for times of which these are gone, and only there', async () => {
    const old = new Date(Date.now() - 900 * 86_400_000).toISOString();
    const own = await clickedAt([old, recently]);
    const filtered = { groupBy: 'cities', country: 'DE' };
    const refused = await own.get<ProblemBody>(path({ ...filtered, interval: 'all' }));
    expect(refused).toBeProblem(422, 'invalid_input');
    expect(refused.body.errors).toEqual([expect.objectContaining({ pointer: '/interval', code: 'beyond_retention' })]);
    expect((await own.get<ProblemBody>(path({ ...filtered, start: old }))).body.errors?.[0]?.pointer).toBe('/start');
    expect((await own.get(path({ ...filtered, interval: '24h' }))).status).toBe(200);
    expect((await own.get(path({ groupBy: 'cities', interval: 'all' }))).status).toBe(200);
    const young = await clickedAt([recently]);
    expect((await young.get(path({ ...filtered, interval: 'all' }))).status).toBe(200);
  });

  it('that would hold the database up are ended', async () => {
    await appTransaction(async (tx) => {
      const slow = new AnalyticsRepository().ask(tx, { sql: 'SELECT pg_sleep(20)', values: [] }, 50);
      await expect(slow).rejects.toMatchObject({ kind: 'invalid', code: 'query_too_expensive' });
    });
  });
});

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
    [{ key: 'a', domain: 'a.example,b.example' }, '/domain'],
    [{ key: 'a', domain: '-a.example' }, '/domain'],
    [{ linkId: 'link_01h455vb4pex5vsknk084sn02q,nonsense' }, '/linkId'],
    [{ linkId: '-nonsense' }, '/linkId'],
    [{ country: Array(101).fill('DE').join() }, '/country'],
    [{ event: 'sales' }, '/event'],
    [{ bots: 'maybe' }, '/bots'],
    [{ granularity: 'year' }, '/granularity'],
    [{ limit: '0' }, '/limit'],
    [{ limit: '1001' }, '/limit'],
    [{ planet: 'Mars' }, '/planet'],
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
