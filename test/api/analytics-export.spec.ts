import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { TypeID } from 'typeid-js';
import { clicked } from '../support/clicks.js';
import { asRole } from '../support/database.js';
import { eventually, type LinkBody, newTenant, type ProblemBody, type Tenant, underTest } from '../support/waypost.js';

const MANY = 100_000;

const path = (query: Record<string, string> = {}): string => `/v1/analytics/export?${new URLSearchParams(query)}`;

type Line = Record<string, string | boolean | null> & { id: string; cursor: string; occurredAt: string };
async function lines(tenant: Tenant, query: Record<string, string> = {}): Promise<Line[]> {
  const { status, headers, text } = await tenant.get<string>(path({ format: 'ndjson', ...query }));
  expect([status, headers['content-type']]).toEqual([200, 'application/x-ndjson; charset=utf-8']);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line);
}

const ago = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString();

describe('exports', () => {
  let tenant: Tenant;
  let link: LinkBody;
  beforeAll(async () => {
    tenant = await newTenant();
    link = await tenant.link({ key: '=1+1' });
    await clicked(tenant, [
      { at: ago(3), link, country: 'DE', city: '-2+3', visitor: 'a' },
      { at: ago(2), link, country: 'AT', utm_source: 'a "b", c' },
      { at: ago(50), link, country: 'DE', visitor: 'b' },
      { at: ago(1), link, bot: true, country: 'DE' },
    ]);
  });

  it('are of clicks, oldest first, with all that analytics know', async () => {
    const found = await lines(tenant);
    expect(found.map(({ country }) => country)).toEqual(['DE', 'AT']);
    expect(found[0]).toEqual({
      id: expect.stringMatching(/^clk_/),
      occurredAt: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
      linkId: link.id,
      domain: link.domain,
      key: link.key,
      continent: null, country: 'DE', region: null, city: '-2+3', device: null, browser: null, os: null, referrer: null,
      language: null, utm_source: null, utm_medium: null, utm_campaign: null, utm_term: null, utm_content: null,
      trigger: 'link',
      bot: false,
      cursor: expect.any(String),
    }); // prettier-ignore
  });

  it('take the time and the filters that questions take', async () => {
    expect(await lines(tenant, { interval: '7d', country: 'DE' })).toHaveLength(2);
    expect(await lines(tenant, { interval: '7d', country: '-DE' })).toHaveLength(1);
    expect(await lines(tenant, { interval: 'all', bots: 'true' })).toHaveLength(4);
    expect(await lines(tenant, { start: ago(2.5), end: ago(1.5) })).toHaveLength(1);
    expect(await lines(tenant, { linkId: (await tenant.link()).id })).toEqual([]);
    expect(await lines(await newTenant(), { interval: 'all' })).toEqual([]);
  });

  it('go on after any line, and end where the first would have', async () => {
    const all = await lines(tenant, { interval: 'all', bots: 'true' });
    for (const [index, { cursor }] of all.entries()) {
      const rest = await lines(tenant, { interval: 'all', bots: 'true', cursor });
      expect(rest.map(({ id }) => id)).toEqual(all.slice(index + 1).map(({ id }) => id));
    }
    const other = await tenant.get<ProblemBody>(path({ interval: '7d', cursor: String(all[0]?.cursor) }));
    expect(other).toBeProblem(422, 'invalid_input');
    expect(other.body.errors?.[0]?.code).toBe('invalid_cursor');
    for (const cursor of ['', 'x', 'x.y', `${String(all[0]?.cursor).split('.')[0]}.x`]) {
      expect(await tenant.get(path({ interval: 'all', bots: 'true', cursor }))).toBeProblem(422, 'invalid_input');
    }
  });

  it('are CSV that no spreadsheet takes for formulas', async () => {
    const { status, headers, text } = await tenant.get<string>(path({ format: 'csv' }));
    expect(status).toBe(200);
    expect(headers).toMatchObject({
      'content-type': 'text/csv; charset=utf-8; header=present',
      'content-disposition': 'attachment; filename="clicks.csv"',
    });
    const records = text.split('\r\n');
    expect(records).toHaveLength(4);
    expect(records[0]).toBe(
      'id,occurredAt,linkId,domain,key,continent,country,region,city,device,browser,os,referrer,language,utm_source,utm_medium,utm_campaign,utm_term,utm_content,trigger,bot,cursor',
    );
    expect(records[1]).toContain(`,${link.domain},'=1+1,,DE,,'-2+3,`);
    expect(records[2]).toContain(',"a ""b"", c",');
  });

  it('are refused for what makes no sense, before the first line', async () => {
    expect(await tenant.get(path({ format: 'xml' }))).toBeProblem(422, 'invalid_input');
    expect(await tenant.get(path({ domain: 'nobody.example' }))).toBeProblem(404, 'domain_not_found');
    expect(await tenant.get(path({ groupBy: 'count' }))).toBeProblem(422, 'invalid_input');
  });
});

describe(`exports of ${MANY} clicks`, () => {
  let tenant: Tenant;
  beforeAll(async () => {
    tenant = await newTenant();
    const link = await tenant.link();
    const uuid = (id: string): string => TypeID.fromString(id).toUUID();
    // All within a few days, so that batches end within a millisecond, too.
    await asRole('postgres', (client) =>
      client.query(
        `INSERT INTO clicks (tenant_id, id, link_id, domain_id, occurred_at, country, city, utm_source)
         SELECT $1, gen_random_uuid(), $2, $3, now() - (n % 5000) * interval '40 seconds', 'DE', 'Berlin', repeat('x', 100)
         FROM generate_series(1, ${MANY}) AS n`,
        [uuid(tenant.tenantId), uuid(link.id), uuid(tenant.domainId)],
      ),
    );
  }, 60_000);

  const open = (query: Record<string, string>): Promise<http.IncomingMessage> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${tenant.apiKey}` };
      http.get(underTest.apiUrl + path(query), { headers, agent: false }, resolve).on('error', reject);
    });

  // That memory stays as it is, a process that does nothing else can tell: test/process/export.spec.ts asks it.
  it('have each click once', async () => {
    const response = await open({ format: 'ndjson', interval: '7d' });
    const ids = new Set<string>();
    let rest = '';
    let count = 0;
    for await (const piece of response) {
      const parts = (rest + String(piece)).split('\n');
      rest = parts.pop() ?? '';
      for (const line of parts) ids.add((JSON.parse(line) as Line).id);
      count += parts.length;
    }
    expect([count, ids.size, rest]).toEqual([MANY, MANY, '']);
  }, 120_000);

  it('read no further than they are taken, and stop when nobody takes them', async () => {
    const uuid = TypeID.fromString(tenant.tenantId).toUUID();
    const reading = async (): Promise<boolean> => {
      const sql = `SELECT FROM pg_stat_activity WHERE query LIKE '%AS "occurredAt"%' AND pid <> pg_backend_pid()`;
      return asRole('postgres', async (client) => (await client.query(sql)).rows.length > 0);
    };
    const left = await open({ format: 'csv', interval: '7d' });
    await new Promise((resolve) => left.once('data', resolve));
    left.destroy();
    // The batch that was under way comes to its end.
    await eventually(reading, (busy) => !busy, 10);
    await sleep(300);
    for (let n = 0; n < 10; n++) expect(await reading()).toBe(false);

    const paused = await open({ format: 'csv', interval: '7d' });
    await new Promise((resolve) => paused.once('readable', resolve));
    await sleep(1_000);
    await asRole('postgres', (client) => client.query('DELETE FROM clicks WHERE tenant_id = $1', [uuid]));
    let text = '';
    for await (const piece of paused) text += String(piece);
    expect(text.split('\r\n').length).toBeGreaterThan(100);
    expect(text.split('\r\n').length).toBeLessThan(MANY / 2);
  }, 60_000);
});
