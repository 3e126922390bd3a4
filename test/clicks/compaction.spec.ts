import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/platform/ids.js';
import { itOnOneServer } from '../support/on-one-server.js';
import { clicked } from '../support/clicks.js';
import { asRole } from '../support/database.js';
import { clickOn, Ingest, rowsOf, tenantUuid } from '../support/ingest.js';
import { eventually, type LinkBody, newTenant, type Tenant } from '../support/waypost.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A midnight of UTC that is old enough. */
const OLD = Math.floor(Date.now() / DAY) * DAY - 450 * DAY;
const at = (ms: number): string => new Date(ms).toISOString();

const TABLES = { click_rollups: 'link_id::text', tenant_rollups: `''`, breakdown_rollups: `dimension || ' ' || value` };

describe('old sums', () => {
  let ingest: Ingest;
  let tenant: Tenant;
  let link: LinkBody;
  beforeAll(async () => {
    ingest = await Ingest.open({ CLICK_RETENTION_DAYS: '1000' });
    tenant = await newTenant();
    link = await tenant.link();
    const other = await tenant.link();
    await clicked(
      tenant,
      Array.from({ length: 600 }, (_, n) => ({
        at: at(OLD + ((n * 7) % 200) * 15 * 60_000 + 1_000),
        link: n % 3 === 0 ? link : other,
        country: ['DE', 'AT', 'IN'][n % 3] as string,
        visitor: `v${n % 11}`,
        bot: n % 10 === 0,
      })),
    );
  });
  afterAll(() => ingest.close());

  /** All sums, each table's quarter-hours added up to hours. */
  async function byHour(): Promise<Record<string, unknown[]>> {
    const sums: Record<string, unknown[]> = {};
    for (const [table, key] of Object.entries(TABLES)) {
      sums[table] = await rowsOf(
        `SELECT date_bin('1 hour', bucket, 'epoch')::text AS hour, ${key} AS key, sum(clicks)::int AS clicks,
                sum(visitors)::int AS visitors, sum(bots)::int AS bots
         FROM ${table} WHERE tenant_id = $1 GROUP BY 1, 2 ORDER BY 1, 2`,
        [tenantUuid(tenant)],
      );
    }
    return sums;
  }
  async function quarters(before = OLD + 100 * DAY): Promise<number> {
    let count = 0;
    for (const table of Object.keys(TABLES)) {
      const [row] = await rowsOf<{ n: number }>(
        `SELECT count(*)::int AS n FROM ${table} WHERE tenant_id = $1 AND bucket < $2 AND date_part('minute', bucket) <> 0`,
        [tenantUuid(tenant), at(before)],
      );
      count += row?.n ?? 0;
    }
    return count;
  }
  const ask = (query: Record<string, string>) =>
    tenant.get<
      Array<{ start: string; clicks: number; wholeHours?: boolean }> & { clicks: number; wholeHours?: boolean }
    >(`/v1/analytics?${new URLSearchParams({ start: at(OLD), end: at(OLD + 3 * DAY), ...query })}`);

  it('become hours, while whoever reads finds each click once, and what was counted stays as it was', async () => {
    const before = await byHour();
    const [total, days, countries] = await Promise.all([
      ask({}),
      ask({ groupBy: 'timeseries', granularity: 'hour' }),
      ask({ groupBy: 'countries' }),
    ]);
    expect(total.body.clicks).toBe(540);
    expect(await quarters()).toBeGreaterThan(400);

    const reads = { over: false };
    const seen = new Set<number>();
    const reading = (async () => {
      const sql = `SELECT sum(clicks + bots)::int AS n FROM tenant_rollups WHERE tenant_id = $1`;
      while (!reads.over) seen.add((await rowsOf<{ n: number }>(sql, [tenantUuid(tenant)]))[0]?.n ?? -1);
    })();
    // Two at once, as after a worker that was taken for dead.
    await Promise.all([ingest.upkeep.compact(), ingest.upkeep.compact()]);
    reads.over = true;
    await reading;

    expect([...seen]).toEqual([600]);
    expect(await quarters()).toBe(0);
    expect(await byHour()).toEqual(before);
    expect((await ask({})).body).toEqual(total.body);
    expect((await ask({ groupBy: 'timeseries', granularity: 'hour' })).body).toEqual(days.body);
    expect((await ask({ groupBy: 'countries' })).body).toEqual(countries.body);
    await ingest.upkeep.compact();
    expect(await byHour()).toEqual(before);
  }, 60_000);

  it('stay right when late clicks come meanwhile, and these become hours in turn', async () => {
    await rowsOf(`SELECT make_click_partitions($1::date, 2)`, [at(OLD)]);
    const late = Array.from({ length: 200 }, (_, n) =>
      clickOn(tenant, link, { id: newId(), occurredAt: OLD + (n % 40) * 15 * 60_000, address: '' }),
    );
    await Promise.all([
      (async () => {
        for (let from = 0; from < late.length; from += 20) await ingest.clicks.store(late.slice(from, from + 20));
      })(),
      (async () => {
        for (let n = 0; n < 10; n++) await ingest.upkeep.compact();
      })(),
    ]);
    expect((await ask({})).body.clicks).toBe(740);
    await ingest.upkeep.compact();
    expect(await quarters()).toBe(0);
    expect((await ask({})).body.clicks).toBe(740);
    expect((await ask({ linkId: link.id })).body.clicks).toBe(180 + 200);
  }, 60_000);

  it('say so where a time zone would need finer ones, and nowhere else', async () => {
    const header = 'waypost-whole-hours-before';
    const query = {
      groupBy: 'timeseries',
      granularity: 'day',
      start: at(OLD).slice(0, 10),
      end: at(OLD + 3 * DAY).slice(0, 10),
    };
    const [utc, berlin, kolkata] = await Promise.all(
      ['UTC', 'Europe/Berlin', 'Asia/Kolkata'].map((timezone) => ask({ ...query, timezone })),
    );
    expect(utc?.headers[header]).toBeUndefined();
    expect(berlin?.headers[header]).toBeUndefined();
    expect(JSON.stringify([utc?.body, berlin?.body])).not.toContain('wholeHours');
    expect(Date.parse(String(kolkata?.headers[header]))).toBeLessThan(Date.now() - 396 * DAY);
    expect(kolkata?.body.map(({ wholeHours }) => wholeHours)).toEqual([true, true, true]);
    // The hour in which the first day begins is taken in whole: nothing of that day is missing.
    const count = await ask({ start: query.start, end: query.end, timezone: 'Asia/Kolkata' });
    expect(count.body.wholeHours).toBe(true);
    expect(kolkata?.body.reduce((sum, { clicks }) => sum + clicks, 0)).toBe(count.body.clicks);

    const recent = await ask({
      groupBy: 'timeseries', timezone: 'Asia/Kathmandu', granularity: 'day', start: at(Date.now() - 5 * DAY), end: at(Date.now()),
    }); // prettier-ignore
    expect(recent.headers[header]).toBeUndefined();
    const countries = await ask({ groupBy: 'countries', start: at(OLD + HOUR / 2) });
    expect(countries.headers[header]).toBeDefined();
  }, 60_000);

  itOnOneServer(
    'are moved in the order in which ingest adds to them: neither waits for one that waits for it',
    async () => {
      await ingest.clicks.store(
        [0, 15].map((minutes) =>
          clickOn(tenant, link, { id: newId(), occurredAt: OLD + minutes * 60_000, address: '' }),
        ),
      );
      await asRole('postgres', async (client) => {
        const touch = (table: keyof typeof TABLES) =>
          client.query(`UPDATE ${table} SET clicks = clicks WHERE tenant_id = $1 AND bucket >= $2 AND bucket < $3`, [
            tenantUuid(tenant),
            at(OLD),
            at(OLD + HOUR),
          ]);
        const addLikeIngest = async (): Promise<void> => {
          const waiting = `SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%compact_rollups(%'`;
          await eventually(
            () => rowsOf(waiting),
            (rows) => rows.length > 0,
          );
          await touch('tenant_rollups');
          await touch('click_rollups');
          await client.query('COMMIT');
        };
        await client.query('BEGIN');
        await touch('breakdown_rollups');
        await Promise.all([ingest.upkeep.compact(), addLikeIngest()]);
      });
      expect(await quarters()).toBe(0);
    },
    60_000,
  );

  it('are compacted by nobody before their time', async () => {
    const recent = `SELECT compact_rollups($1, ARRAY[date_bin('1 hour', now() - interval '300 days', 'epoch')])`;
    await expect(rowsOf(recent, [tenantUuid(tenant)])).rejects.toThrow(/thirteen months/);
  });
});
