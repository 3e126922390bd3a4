import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Click } from '../../src/clicks/click.js';
import { newId } from '../../src/platform/ids.js';
import { clicked, type KnownClick } from '../support/clicks.js';
import { clickOn, Ingest, linkUuid, rowsOf, tenantUuid } from '../support/ingest.js';
import { type LinkBody, newTenant, operator, type Tenant } from '../support/waypost.js';

const DAY_MS = 24 * 3600 * 1000;
const midnight = Math.floor(Date.now() / DAY_MS) * DAY_MS;
const noonOf = (daysAgo: number): number => midnight - daysAgo * DAY_MS + DAY_MS / 2;
const dayOf = (daysAgo: number): string => new Date(midnight - daysAgo * DAY_MS).toISOString();

const TABLES = ['click_spans', 'link_spans', 'visit_spans'];

interface Counts {
  clicks: number;
  visitors: number;
  bots: number;
}

/** Of one kind and length: what a tenant's spans add up to. */
async function spansOf(tenant: Tenant, table: 'link_spans' | 'visit_spans', where = 'true'): Promise<Counts[]> {
  return rowsOf<Counts & { hours: number }>(
    `SELECT hours, sum(clicks)::int AS clicks, sum(visitors)::int AS visitors, sum(bots)::int AS bots
     FROM ${table} WHERE tenant_id = $1 AND ${where} GROUP BY 1 ORDER BY 1`,
    [tenantUuid(tenant)],
  );
}

const browsersInGermany = async (tenant: Tenant, from: number, to: number): Promise<unknown> => {
  const query = `groupBy=browsers&country=DE&start=${dayOf(from)}&end=${dayOf(to)}`;
  const { status, body } = await tenant.get(`/v1/analytics?${query}`);
  return status === 200 ? body : status;
};

const topLinks = async (tenant: Tenant, from: number, to: number): Promise<Array<[string, number]>> => {
  const query = `groupBy=top_links&start=${dayOf(from)}&end=${dayOf(to)}`;
  const { body } = await tenant.get<Array<{ id: string; clicks: number }>>(`/v1/analytics?${query}`);
  return body.map(({ id, clicks }) => [id, clicks]);
};

describe('sums of longer times', () => {
  let ingest: Ingest;
  let tenant: Tenant;
  let link: LinkBody;
  beforeAll(async () => {
    ingest = await Ingest.open();
  });
  afterAll(async () => {
    await ingest.close();
  });

  const german = (daysAgo: number, given: Partial<Click> = {}, of = link): Click =>
    clickOn(tenant, of, {
      occurredAt: noonOf(daysAgo),
      country: 'DE',
      userAgent: 'Mozilla/5.0 Firefox/130.0',
      ...given,
    });

  async function startAnew(): Promise<void> {
    tenant = await newTenant();
    link = await tenant.link();
  }

  it('have what was counted, each length as much as the others', async () => {
    await startAnew();
    const visitor = (address: string): Partial<Click> => ({ address });
    await ingest.clicks.store([german(2), german(2, visitor('203.0.113.5')), german(2), german(1)]);
    await ingest.makeSpans(tenant);
    expect(await spansOf(tenant, 'visit_spans', 'hours = 24')).toEqual([
      { hours: 24, clicks: 4, visitors: 3, bots: 0 },
    ]);
    expect(await spansOf(tenant, 'link_spans', 'hours = 24')).toEqual([{ hours: 24, clicks: 4, visitors: 3, bots: 0 }]);
    // As if a hundred days had passed: all lengths have ended.
    await ingest.makeSpans(tenant, 0, Date.now() + 100 * DAY_MS);
    for (const table of ['link_spans', 'visit_spans'] as const) {
      const lengths = await spansOf(tenant, table);
      expect(lengths.map((one) => Object.values(one))).toEqual([24, 96, 384, 1536].map((hours) => [hours, 4, 3, 0]));
    }
    expect(await ingest.makeSpans(tenant)).toBe(0);
    expect(await browsersInGermany(tenant, 5, 0)).toEqual([{ browser: 'Firefox', clicks: 4 }]);
  });

  it('are not used when a late click comes, and made anew with it', async () => {
    await startAnew();
    await ingest.clicks.store([german(9), german(1)]);
    await ingest.makeSpans(tenant);
    await ingest.clicks.store([german(9)]);
    for (let n = 0; n < 2; n++) {
      expect(await browsersInGermany(tenant, 12, 0)).toEqual([{ browser: 'Firefox', clicks: 3 }]);
      expect(await topLinks(tenant, 12, 0)).toEqual([[link.id, 3]]);
      await ingest.makeSpans(tenant);
    }
    expect(await spansOf(tenant, 'link_spans', 'hours = 24')).toMatchObject([{ clicks: 3 }]);
  });

  it('lose what is erased of a link, and are still used', async () => {
    await startAnew();
    const gone = await tenant.link();
    await ingest.clicks.store([german(3), german(3, {}, gone), german(2, {}, gone), german(2)]);
    await ingest.makeSpans(tenant);
    expect((await tenant.delete(`/v1/links/${gone.id}`)).status).toBe(204);
    await ingest.upkeep.erase();
    expect(await ingest.makeSpans(tenant)).toBe(0);
    for (const table of ['link_spans', 'visit_spans'] as const)
      expect(await spansOf(tenant, table, 'hours = 24')).toMatchObject([{ clicks: 2 }]);
    expect(await rowsOf(`SELECT FROM link_spans WHERE link_id = $1`, [linkUuid(gone)])).toEqual([]);
    expect(await browsersInGermany(tenant, 5, 0)).toEqual([{ browser: 'Firefox', clicks: 2 }]);
    expect(await topLinks(tenant, 5, 0)).toEqual([[link.id, 2]]);
  });

  it('go with their tenant', async () => {
    await startAnew();
    await ingest.clicks.store([german(2)]);
    await ingest.makeSpans(tenant);
    expect((await operator.delete(`/v1/tenants/${tenant.tenantId}`)).status).toBe(204);
    await rowsOf(`UPDATE tenants SET purged_at = now() WHERE id = $1`, [tenantUuid(tenant)]);
    await ingest.upkeep.erase();
    expect(await ingest.makeSpans(tenant)).toBe(0);
    for (const table of TABLES)
      expect(await rowsOf(`SELECT FROM ${table} WHERE tenant_id = $1`, [tenantUuid(tenant)])).toEqual([]);
  });

  it('outlive the clicks, and are not made of those that are left', async () => {
    await startAnew();
    await ingest.clicks.store([german(6), german(1)]);
    await ingest.makeSpans(tenant);
    await operator.patch(`/v1/tenants/${tenant.tenantId}`, { clickRetentionDays: 3 });
    await ingest.upkeep.expire();
    expect(await browsersInGermany(tenant, 8, 0)).toEqual([{ browser: 'Firefox', clicks: 2 }]);

    // What came late is counted, and dropped as too old: only the plan of before can have it.
    await operator.patch(`/v1/tenants/${tenant.tenantId}`, { clickRetentionDays: 30 });
    await ingest.clicks.store([german(6)]);
    await ingest.makeSpans(tenant);
    expect(await spansOf(tenant, 'visit_spans', `hours = 24 AND first = '${dayOf(6)}'`)).toMatchObject([{ clicks: 1 }]);
    // Links have their own sums, of which nothing expires.
    expect(await topLinks(tenant, 8, 0)).toEqual([[link.id, 3]]);
    await operator.patch(`/v1/tenants/${tenant.tenantId}`, { clickRetentionDays: 3 });
    expect(await browsersInGermany(tenant, 8, 0)).toBe(422);
    expect(await browsersInGermany(tenant, 2, 0)).toEqual([{ browser: 'Firefox', clicks: 1 }]);
  });

  it('answer nothing in place of clicks that are gone, also when more days are kept since', async () => {
    await startAnew();
    await ingest.clicks.store([german(6), german(1)]);
    await operator.patch(`/v1/tenants/${tenant.tenantId}`, { clickRetentionDays: 3 });
    await ingest.upkeep.expire();
    for (const clickRetentionDays of [30, null]) {
      await operator.patch(`/v1/tenants/${tenant.tenantId}`, { clickRetentionDays });
      // With a late click no sum of that day serves, whoever made one.
      await ingest.clicks.store([german(6)]);
      expect(await browsersInGermany(tenant, 8, 0)).toBe(422);
      expect(await browsersInGermany(tenant, 5, 0)).toEqual([{ browser: 'Firefox', clicks: 1 }]);
    }
  });

  it('are made once, however many make them', async () => {
    await startAnew();
    await ingest.clicks.store([german(2), german(1)]);
    await Promise.all(Array.from({ length: 4 }, () => ingest.makeSpans(tenant)));
    expect(await spansOf(tenant, 'visit_spans', 'hours = 24')).toMatchObject([{ clicks: 2 }]);
  });

  it('of parts of a day are made where there are many clicks, and those of links go with the day', async () => {
    await startAnew();
    // The shared worker makes sums, too, and none of days to come.
    const day = midnight + DAY_MS;
    const many: KnownClick[] = Array.from({ length: 1_200 }, (_, n) => ({
      at: new Date(day + n * 1000).toISOString(),
      link,
      country: 'DE',
      browser: 'Firefox',
      visitor: `v${n % 7}`,
    }));
    await clicked(tenant, many);
    const lengths = async (table: 'link_spans' | 'visit_spans') =>
      ((await spansOf(tenant, table, 'hours <= 24')) as Array<Counts & { hours: number }>).map(({ hours }) => hours);
    // As of six in the morning of that day, at its end, and a day later.
    await ingest.makeSpans(tenant, 0, day + DAY_MS / 4);
    expect([await lengths('link_spans'), await lengths('visit_spans')]).toEqual([
      [1, 4],
      [1, 4],
    ]);
    expect(await browsersInGermany(tenant, -1, -2)).toEqual([{ browser: 'Firefox', clicks: 1_200 }]);
    await ingest.makeSpans(tenant, 0, day + 1.25 * DAY_MS);
    await ingest.makeSpans(tenant, 0, day + 2.25 * DAY_MS);
    expect([await lengths('link_spans'), await lengths('visit_spans')]).toEqual([[24], [4, 24]]);
    const query = `groupBy=timeseries&event=visitors&country=DE&browser=Firefox&granularity=hour&start=${dayOf(-1)}&end=${dayOf(-2)}`;
    const { body } = await tenant.get<Array<{ clicks: number; visitors: number }>>(`/v1/analytics?${query}`);
    expect(body.slice(0, 2).map(({ clicks, visitors }) => [clicks, visitors])).toEqual([
      [1_200, 7],
      [0, 0],
    ]);
  });

  it('are of nobody whose clicks are of other tenants', async () => {
    await startAnew();
    const mine = tenant;
    await ingest.clicks.store([german(2)]);
    await startAnew();
    await ingest.clicks.store([german(2), { ...german(2), id: newId() }]);
    await Promise.all([ingest.makeSpans(mine), ingest.makeSpans(tenant)]);
    expect(await browsersInGermany(mine, 5, 0)).toEqual([{ browser: 'Firefox', clicks: 1 }]);
    expect(await browsersInGermany(tenant, 5, 0)).toEqual([{ browser: 'Firefox', clicks: 2 }]);
  });
});
