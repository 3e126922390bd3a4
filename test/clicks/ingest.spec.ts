import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Click } from '../../src/clicks/click.js';
import { newId } from '../../src/platform/ids.js';
import { clickOn, Ingest, linkUuid, rowsOf, type Sums, sumsOf, tenantUuid } from '../support/ingest.js';
import { type LinkBody, newTenant, type Tenant, visit } from '../support/waypost.js';

const DAY_MS = 24 * 3600 * 1000;
const BROWSER =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

/** Noon of this or an earlier day, so that clicks around it are of one day; if noon is still to come, yesterday's. */
const noon = (daysAgo = 0): number => {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS + DAY_MS / 2;
  return today - (today > Date.now() ? DAY_MS : 0) - daysAgo * DAY_MS;
};

async function expectSums(tenant: Tenant, ofTenant: Sums, ofLinks: Sums = ofTenant): Promise<void> {
  expect(await sumsOf(tenant)).toEqual({
    raw: ofTenant,
    rawByLink: ofLinks,
    byTenant: ofTenant,
    byLink: ofLinks,
    counters: ofLinks,
    'min of breakdown_rollups': ofTenant,
    'max of breakdown_rollups': ofTenant,
    'min of click_days': ofTenant,
    'max of click_days': ofTenant,
  });
}

describe('ingest', () => {
  let ingest: Ingest;
  let tenant: Tenant;
  let link: LinkBody;
  let other: LinkBody;

  beforeAll(async () => {
    ingest = await Ingest.open();
  });
  afterAll(async () => {
    await ingest.close();
  });
  const fresh = async (): Promise<void> => {
    tenant = await newTenant();
    [link, other] = await Promise.all([tenant.link(), tenant.link()]);
  };

  /** Of `people`, each with an address of their own, one click on each of the links. */
  const visits = (people: number, at = noon()): Click[] =>
    Array.from({ length: people }, (_, n) => n).flatMap((n) => {
      const visitor = { address: `198.51.100.${n}`, userAgent: BROWSER };
      return [link, other].map((one, m) => clickOn(tenant, one, { ...visitor, occurredAt: at + n * 10 + m }));
    });

  it('counts a batch delivered three times once, visitors included', async () => {
    await fresh();
    const clicks = visits(30);
    for (let delivery = 0; delivery < 3; delivery++) await ingest.clicks.store(clicks);
    await expectSums(tenant, { clicks: 60, visitors: 30, bots: 0 }, { clicks: 60, visitors: 60, bots: 0 });
  });

  it('counts a batch delivered by three at once once, and a batch that has it in part', async () => {
    await fresh();
    const clicks = visits(30);
    await Promise.all([clicks, clicks.toReversed(), clicks.slice(10, 50)].map((batch) => ingest.clicks.store(batch)));
    await expectSums(tenant, { clicks: 60, visitors: 30, bots: 0 }, { clicks: 60, visitors: 60, bots: 0 });
  });

  it('counts who comes again once for each link, whichever they saw first', async () => {
    await fresh();
    const third = await tenant.link();
    const at = noon();
    for (const [n, one] of [link, link, other, third, other, link, third].entries()) {
      await ingest.clicks.store([clickOn(tenant, one, { occurredAt: at + n })]);
    }
    const both = [link, other, third].map((one, n) =>
      clickOn(tenant, one, { address: '198.51.100.1', occurredAt: at + n }),
    );
    await ingest.clicks.store(both);
    await ingest.clicks.store(both.map((click) => ({ ...click, id: newId() })));
    await expectSums(tenant, { clicks: 13, visitors: 2, bots: 0 }, { clicks: 13, visitors: 6, bots: 0 });
  });

  it('counts a visitor once whom batches bring at once, on links they do not share', async () => {
    await fresh();
    const links = await Promise.all(Array.from({ length: 6 }, () => tenant.link()));
    const at = noon();
    const batches = links.map((one, n) =>
      Array.from({ length: 40 }, (_, v) =>
        // Each batch meets the visitors in another order.
        clickOn(tenant, one, { address: `198.51.100.${(v * 7 + n * 11) % 40}`, occurredAt: at + v }),
      ),
    );
    await Promise.all(batches.map((batch) => ingest.clicks.store(batch)));
    await expectSums(tenant, { clicks: 240, visitors: 40, bots: 0 }, { clicks: 240, visitors: 240, bots: 0 });
  });

  it('lets batches pass each other that hold the same links in another order', async () => {
    await fresh();
    const links = await Promise.all(Array.from({ length: 10 }, () => tenant.link()));
    const batches = Array.from({ length: 12 }, (_, n) =>
      (n % 2 ? links : links.toReversed()).map((one) => clickOn(tenant, one, { occurredAt: noon() })),
    );
    await Promise.all(batches.map((batch) => ingest.clicks.store(batch)));
    await expectSums(tenant, { clicks: 120, visitors: 1, bots: 0 }, { clicks: 120, visitors: 10, bots: 0 });
  });

  it('marks the first click of a visitor by time, then id, and another each day', async () => {
    await fresh();
    const [late, early, next] = [noon(1) + 5_000, noon(1) + 1_000, noon()];
    const ids = { late: newId(), early: newId(), other: newId(), next: newId() };
    await ingest.clicks.store([
      clickOn(tenant, link, { id: ids.late, occurredAt: late }),
      clickOn(tenant, link, { id: ids.early, occurredAt: early }),
      clickOn(tenant, other, { id: ids.other, occurredAt: late }),
      clickOn(tenant, link, { id: ids.next, occurredAt: next }),
    ]);
    const rows = await rowsOf<{ id: string; first_of_link: boolean; first_of_tenant: boolean }>(
      'SELECT id, first_of_link, first_of_tenant FROM clicks WHERE tenant_id = $1',
      [tenantUuid(tenant)],
    );
    const flags = Object.fromEntries(rows.map((row) => [row.id, [row.first_of_link, row.first_of_tenant]]));
    expect(flags).toEqual({
      [ids.early]: [true, true],
      [ids.late]: [false, false],
      [ids.other]: [true, false],
      [ids.next]: [true, true],
    });
  });

  it('puts a late click into its own time', async () => {
    await fresh();
    await ingest.clicks.store([clickOn(tenant, link, { occurredAt: noon() })]);
    const late = noon(5);
    await ingest.clicks.store([clickOn(tenant, link, { occurredAt: late })]);
    const rows = await rowsOf<{ bucket: Date; clicks: string; visitors: string }>(
      'SELECT bucket, clicks, visitors FROM tenant_rollups WHERE tenant_id = $1 ORDER BY bucket',
      [tenantUuid(tenant)],
    );
    // The salt of its day is gone: it is counted, and nobody's first.
    expect(rows).toEqual([
      { bucket: new Date(late), clicks: '1', visitors: '0' },
      { bucket: new Date(noon()), clicks: '1', visitors: '1' },
    ]);
    const [stats] = await rowsOf<{ last_clicked_at: Date }>(
      'SELECT last_clicked_at FROM link_stats WHERE link_id = $1',
      [linkUuid(link)],
    );
    expect(stats?.last_clicked_at).toEqual(new Date(noon()));
  });

  it('keeps programs apart', async () => {
    await fresh();
    await ingest.clicks.store([
      clickOn(tenant, link, { userAgent: 'Slackbot-LinkExpanding 1.0', occurredAt: noon() + 1 }),
      clickOn(tenant, link, { userAgent: BROWSER, occurredAt: noon() }),
    ]);
    await expectSums(tenant, { clicks: 1, visitors: 1, bots: 1 });
    const [stats] = await rowsOf<{ last_clicked_at: Date }>(
      'SELECT last_clicked_at FROM link_stats WHERE link_id = $1',
      [linkUuid(link)],
    );
    expect(stats?.last_clicked_at).toEqual(new Date(noon()));
  });

  it('lets programs use up the clicks that a link may have', async () => {
    await fresh();
    const once = await tenant.link({ maxClicks: 1 });
    await ingest.clicks.store([clickOn(tenant, once, { userAgent: 'Slackbot-LinkExpanding 1.0' })]);
    expect((await visit(tenant.domain, `/${once.key}`)).status).toBe(410);
  });

  it('drops what is too old, what is from the future, and what has no link, and stores the rest', async () => {
    await fresh();
    const gone = await tenant.link();
    expect((await tenant.delete(`/v1/links/${gone.id}`)).status).toBe(204);
    const nobody = { ...tenant, tenantId: 'tnt_01h455vb4pex5vsknk084sn02q' } as Tenant;
    await ingest.clicks.store([
      clickOn(tenant, link, { occurredAt: Date.now() - 366 * DAY_MS }),
      clickOn(tenant, link, { occurredAt: Date.now() - 300 * DAY_MS }), // no partition
      clickOn(tenant, link, { occurredAt: Date.now() + DAY_MS }),
      clickOn(tenant, gone),
      clickOn(nobody, link),
      clickOn(tenant, link, { occurredAt: noon() }),
    ]);
    await expectSums(tenant, { clicks: 1, visitors: 1, bots: 0 });
    expect(await rowsOf('SELECT FROM link_stats WHERE link_id = $1', [linkUuid(gone)])).toEqual([]);
  });

  it('drops clicks of a tenant that is deleted', async () => {
    await fresh();
    await rowsOf('UPDATE tenants SET deleted_at = now(), purged_at = now() WHERE id = $1', [tenantUuid(tenant)]);
    await ingest.clicks.store([clickOn(tenant, link)]);
    expect(await sumsOf(tenant)).toMatchObject({
      raw: { clicks: 0 },
      byTenant: { clicks: 0 },
      counters: { clicks: 0 },
    });
  });

  it('keeps nothing but time and country of those who opted out', async () => {
    await fresh();
    await ingest.clicks.store([
      clickOn(tenant, link, {
        optedOut: true,
        country: 'NZ',
        userAgent: BROWSER,
        referrer: 'https://news.example/',
        language: 'mi',
        query: 'utm_source=mail&qr=1',
        occurredAt: noon(),
      }),
    ]);
    await expectSums(tenant, { clicks: 1, visitors: 0, bots: 0 });
    const [row] = await rowsOf('SELECT * FROM clicks WHERE tenant_id = $1', [tenantUuid(tenant)]);
    expect(whatIsThere(row)).toEqual([
      'continent',
      'country',
      'domain_id',
      'id',
      'link_id',
      'occurred_at',
      'tenant_id',
    ]);
  });

  it('keeps nothing but counts where the tenant says so', async () => {
    await fresh();
    const full = clickOn(tenant, link, { country: 'NZ', userAgent: BROWSER, occurredAt: noon() });
    await ingest.clicks.store([full]);
    const answer = await tenant.patch<{ clickDetails: string }>('/v1/tenant', { clickDetails: 'counts' });
    expect(answer.body).toMatchObject({ clickDetails: 'counts' });
    const visit = { ...full, referrer: 'https://news.example/', language: 'mi', query: 'utm_source=mail&qr=1' };
    await ingest.clicks.store([
      { ...visit, id: newId(), occurredAt: noon() + 2, address: '203.0.113.10' },
      { ...visit, id: newId(), occurredAt: noon() + 1, userAgent: 'Slackbot-LinkExpanding 1.0' },
    ]);
    await expectSums(tenant, { clicks: 2, visitors: 1, bots: 1 });
    const [row] = await rowsOf('SELECT * FROM clicks WHERE tenant_id = $1 ORDER BY occurred_at DESC', [
      tenantUuid(tenant),
    ]);
    expect(whatIsThere(row)).toEqual(['domain_id', 'id', 'link_id', 'occurred_at', 'tenant_id']);
  });

  it('stores what is longest and strangest in headers', async () => {
    await fresh();
    const wild = '\u{1F600}\uD800"\\{},\n\u0001'.repeat(100);
    await ingest.clicks.store([
      clickOn(tenant, link, {
        userAgent: `${wild}/1 (${wild})`.toWellFormed().slice(0, 1_000).toWellFormed(),
        referrer: `https://${'a.'.repeat(100)}example/${wild}`.toWellFormed(),
        language: wild,
        query: `utm_source=${encodeURIComponent(wild.toWellFormed())}&utm_term=%00%ff`,
        address: 'not an address',
        country: wild.toWellFormed(),
        occurredAt: noon(),
      }),
    ]);
    const { clicks, bots } = (await sumsOf(tenant)).counters as Sums;
    expect(clicks + bots).toBe(1);
  });
});

/** Columns that say something. */
const whatIsThere = (row: object | undefined): string[] =>
  Object.entries(row ?? {})
    .filter(([column]) => column !== 'ingested') // Where it stands among the others: it says nothing of the visitor.
    .filter(([column, value]) => value !== null && value !== false && !(column === 'trigger' && value === 'link'))
    .map(([column]) => column)
    .toSorted();
