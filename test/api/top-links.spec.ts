import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DataSource } from 'typeorm';
import { AnalyticsRepository } from '../../src/analytics/analytics.repository.js';
import { cover } from '../../src/analytics/cover.js';
import type { Question } from '../../src/analytics/question.js';
import { quickTopLinks } from '../../src/analytics/top-links-sql.js';
import type { Tx } from '../../src/platform/context/context.js';
import { clicked, type KnownClick } from '../support/clicks.js';
import { databaseUrl } from '../support/database.js';
import { itOnOneServer } from '../support/on-one-server.js';
import { Ingest, linkUuid, rowsOf, tenantUuid } from '../support/ingest.js';
import { type LinkBody, newTenant, type Tenant } from '../support/waypost.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const LINKS = 160;
const DAYS = 12;
const midnight = Math.floor(Date.now() / DAY) * DAY;

type Plan = Record<string, unknown> & { Plans?: Plan[] };

/** How many rows of a table a plan that was carried out has read. */
function rowsRead(plan: Plan, table: string): number {
  const own = String(plan['Relation Name'] ?? '').startsWith(`${table}_p`)
    ? Number(plan['Actual Rows']) * Number(plan['Actual Loops'])
    : 0;
  return (plan.Plans ?? []).reduce((sum, part) => sum + rowsRead(part, table), own);
}

describe('the most clicked of many links', () => {
  let tenant: Tenant;
  let links: LinkBody[];
  let ingest: Ingest;
  let app: DataSource;
  let tx: Tx;

  beforeAll(async () => {
    tenant = await newTenant();
    links = [];
    for (let n = 0; n < LINKS; n++) links.push(await tenant.link({ tags: n % 10 === 0 ? ['tenth'] : [] }));
    await clicked(tenant, Array.from({ length: DAYS }, (_, day) => clicksOf(day)).flat());
    ingest = await Ingest.open();
    await ingest.makeSpans(tenant);
    app = await new DataSource({ type: 'postgres', url: await databaseUrl('waypost_app') }).initialize();
    const runner = app.createQueryRunner();
    tx = { tenantId: tenantUuid(tenant), manager: runner.manager };
  }, 120_000);
  afterAll(async () => {
    await tx.manager.queryRunner?.release();
    await Promise.all([app.destroy(), ingest.close()]);
  });

  /** Links earlier in the list have more clicks, bots and visitors in other orders, and each day a few links stand out. */
  function clicksOf(day: number): KnownClick[] {
    return links.flatMap((link, n) => {
      const people = Math.ceil(40 / (n + 1)) + ((n * 7 + day * 13) % 31 === 0 ? 9 : 0);
      const bots = (n * 3 + day) % 5;
      return Array.from({ length: people + bots }, (_, click) => ({
        at: new Date(midnight - (day + 1) * DAY + ((n * 37 + click * 997 + day * 11) % 1440) * 60_000).toISOString(),
        link,
        bot: click >= people,
        ...(click % 3 === 0 && { visitor: `v${(n + click) % 17}` }),
      }));
    });
  }

  const ranges: Array<[name: string, from: number, to: number]> = [
    ['whole days', midnight - 10 * DAY, midnight],
    ['ragged ends', midnight - 11 * DAY + 3 * HOUR, midnight - DAY + 20 * HOUR],
    ['an end of a few hours', midnight - 11 * DAY, midnight - DAY + 2 * HOUR],
    ['less than a day', midnight - 3 * DAY + HOUR, midnight - 3 * DAY + 20 * HOUR],
    ['two parts of days', midnight - 3 * DAY + 4 * HOUR, midnight - 2 * DAY + 19 * HOUR],
  ];
  const measures = [
    { event: 'clicks', bots: false, order: 'clicks' },
    { event: 'clicks', bots: true, order: 'clicks + bots' },
    { event: 'visitors', bots: false, order: 'visitors DESC, clicks' },
  ] as const;
  const filters: Array<[name: string, query: string, condition: string]> = [
    ['all', '', 'true'],
    ['without a tag', '&tag=-tenth', `link_id NOT IN (SELECT link_id FROM tags WHERE name = 'tenth')`],
    ['with a tag', '&tag=tenth', `link_id IN (SELECT link_id FROM tags WHERE name = 'tenth')`],
  ];

  it.each(ranges)('are those of plain SQL: %s', async (_name, from, to) => {
    for (const limit of [1, 10, 16, 50]) {
      for (const { event, bots, order } of measures) {
        for (const [, query, condition] of filters) {
          const range = `start=${new Date(from).toISOString()}&end=${new Date(to).toISOString()}`;
          const { body } = await tenant.get<Array<{ id: string }>>(
            `/v1/analytics?groupBy=top_links&${range}&event=${event}&bots=${bots}&limit=${limit}${query}`,
          );
          const expected = await rowsOf<{ link_id: string }>(
            `SELECT link_id FROM (
               SELECT link_id, count(*) FILTER (WHERE NOT bot) AS clicks, count(*) FILTER (WHERE first_of_link) AS visitors,
                      count(*) FILTER (WHERE bot) AS bots
               FROM clicks WHERE tenant_id = $1 AND occurred_at >= $2 AND occurred_at < $3 AND ${condition} GROUP BY 1) AS link
             WHERE ${bots ? 'clicks + bots' : 'clicks'} > 0 ORDER BY ${order} DESC, link_id LIMIT $4`,
            [tenantUuid(tenant), new Date(from), new Date(to), limit],
          );
          const wanted = expected.map(({ link_id }) => link_id);
          expect({ limit, event, bots, query, found: body.map((row) => linkUuid(row as LinkBody)) }).toEqual({
            limit,
            event,
            bots,
            query,
            found: wanted,
          });
        }
      }
    }
  });

  itOnOneServer('are found in the first ones of each sum, and the others are not read', async () => {
    const repository = new AnalyticsRepository();
    const range = { from: new Date(midnight - 10 * DAY), to: new Date(midnight) };
    const question: Question = {
      groupBy: 'top_links', ...range, start: range.from, wholeHoursBefore: undefined, slices: [],
      open: false, filter: { dimensions: {} }, bots: false, event: 'clicks', limit: 5,
    }; // prettier-ignore
    await tx.manager.query('BEGIN');
    await tx.manager.query(`SET LOCAL app.tenant_id = '${tenantUuid(tenant)}'`);
    const known = await repository.spans(tx, 'links', range, false);
    const covered = cover(range, known, []);
    expect(covered.rest).toEqual([]);
    expect(covered.whole.length).toBeLessThan(10);
    const quick = quickTopLinks(tx.tenantId, question, covered);
    if (!quick) throw new Error('There is no quick way');
    const { sql, values } = quick.statement;
    expect(quick.proves(await repository.ask(tx, { sql, values }))).toBe(true);
    await tx.manager.query('SET LOCAL enable_seqscan = off');
    const [explained] = (await tx.manager.query(`EXPLAIN (ANALYZE, FORMAT JSON) ${sql}`, values)) as [
      { 'QUERY PLAN': [{ Plan: Plan }] },
    ];
    await tx.manager.query('COMMIT');
    const { Plan: plan } = explained['QUERY PLAN'][0];
    expect(rowsRead(plan, 'click_rollups')).toBe(0);
    // At most the 32 first ones by each of three measures, and the few that can be among those asked for.
    const read = rowsRead(plan, 'link_spans');
    expect(read).toBeGreaterThan(0);
    expect(read).toBeLessThan(covered.whole.length * LINKS);
  });
});
