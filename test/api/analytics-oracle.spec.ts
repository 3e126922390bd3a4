import { beforeAll, describe, expect, it } from '@jest/globals';
import { TypeID } from 'typeid-js';
import { clicked, type KnownClick } from '../support/clicks.js';
import { asRole } from '../support/database.js';
import { newDomain } from '../support/domains.js';
import { type LinkBody, newTenant, type Tenant } from '../support/waypost.js';

// Random questions about random clicks, each answered by the API and by plain SQL over the single clicks. Whatever the
// answer was read from, sums or clicks, both must be the same. ANALYTICS_SEED asks what an earlier run asked.

const SEED = Number(process.env.ANALYTICS_SEED ?? Date.now() % 1_000_000);
const QUESTIONS = 250;
const CLICKS = 3_000;
const DAY = 86_400_000;
const QUARTER = 15 * 60_000;
const ZONES = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kolkata', 'Asia/Kathmandu', 'Australia/Lord_Howe'];

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
const random = randomFrom(SEED);
const pick = <T>(values: readonly T[]): T => values[Math.floor(random() ** 1.5 * values.length)] as T;
const chance = (share: number): boolean => random() < share;

/** By the name of the filter: column, field of the breakdown, `groupBy`, values. Null: not known. */
const DIMENSIONS = {
  continent: { column: 'continent', groupBy: 'continents', values: ['EU', 'NA', null] },
  country: { column: 'country', groupBy: 'countries', values: ['DE', 'AT', 'US', null, 'IN'] },
  region: { column: 'region', groupBy: 'regions', values: ['DE-BE', null] },
  city: { column: 'city', groupBy: 'cities', values: ['Berlin', 'Washington, D.C.', '-minus\\', null] },
  device: { column: 'device', groupBy: 'devices', values: ['desktop', 'mobile', null] },
  browser: { column: 'browser', groupBy: 'browsers', values: ['Chrome', 'Safari', null] },
  os: { column: 'os', groupBy: 'os', values: ['Windows', 'iOS', null] },
  referrer: { column: 'referrer_host', groupBy: 'referrers', values: [null, 'news.example', 'www.example.org'] },
  language: { column: 'language', groupBy: 'languages', values: ['de', 'en', null] },
  utm_source: { column: 'utm_source', groupBy: 'utm_source', values: [null, 'mail', 'Mail'] },
  utm_medium: { column: 'utm_medium', groupBy: 'utm_medium', values: [null, 'cpc'] },
  utm_campaign: { column: 'utm_campaign', groupBy: 'utm_campaign', values: [null, 'summer'] },
  utm_term: { column: 'utm_term', groupBy: 'utm_term', values: [null, 'shoes'] },
  utm_content: { column: 'utm_content', groupBy: 'utm_content', values: [null, 'a', 'b'] },
  trigger: { column: 'trigger', groupBy: 'triggers', values: ['link', 'qr'] },
} as const;
type Name = keyof typeof DIMENSIONS;
const NAMES = Object.keys(DIMENSIONS) as Name[];

const OTHERS = ['count', 'timeseries', 'timeseries', 'top_links', 'top_domains', 'top_tags', 'bots'] as const;

interface Asked {
  query: Record<string, string>;
  /** Over `clicks`, as SQL literals. */
  conditions: string[];
  aboutLinks: boolean;
}

let tenant: Tenant;
let links: LinkBody[];
let domains: Array<{ id: string; hostname: string }>;
const now = Math.floor(Date.now() / 1000) * 1000;
// Between both changes of the clock of the northern hemisphere and those of the southern one, as far as clicks are kept.
const first = now - 250 * DAY;

const uuid = (id: string): string => TypeID.fromString(id).toUUID();
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

beforeAll(async () => {
  tenant = await newTenant();
  const other = await newDomain(tenant);
  domains = [{ id: tenant.domainId, hostname: tenant.domain }, other];
  links = [];
  for (let n = 0; n < 6; n++) {
    links.push(await tenant.link({ domain: domains[n % 2]?.hostname, tags: [['red'], ['red', 'blue'], []][n % 3] }));
  }
  await clicked(tenant, Array.from({ length: CLICKS }, randomClick));
}, 120_000);

function randomClick(): KnownClick {
  const n = Math.floor(random() ** 1.5 * links.length);
  // Half of them in few days, so that small ranges have some.
  const ago = chance(0.5) ? random() * 4 * DAY : random() * (now - first);
  const details = Object.fromEntries(
    NAMES.flatMap((name) => {
      const value = pick<string | null>(DIMENSIONS[name].values);
      return value === null ? [] : [[DIMENSIONS[name].column, value]];
    }),
  );
  return {
    at: new Date(now - ago).toISOString(),
    link: links[n] as LinkBody,
    domainId: (domains[n % 2] as { id: string }).id,
    bot: chance(0.2),
    ...(chance(0.9) && { visitor: `v${Math.floor(random() * 40)}` }),
    ...details,
  };
}

const escaped = (value: string): string => value.replace(/[\\,]|^-/g, '\\$&');

function dimensionFilter(name: Name): Pick<Asked, 'query' | 'conditions'> {
  const { column, values } = DIMENSIONS[name];
  const chosen = [...new Set([pick<string | null>(values), pick<string | null>(values)])];
  const exclude = chance(0.4);
  const list = chosen.map((value) => (value === null ? `''` : quoted(value))).join(', ');
  return {
    query: { [name]: chosen.map((value) => (exclude ? '-' : '') + escaped(value ?? '')).join(',') },
    conditions: [`coalesce(${column}, '') ${exclude ? 'NOT IN' : 'IN'} (${list})`],
  };
}

function linkFilter(): Pick<Asked, 'query' | 'conditions' | 'aboutLinks'> {
  const [one, another] = [pick(links), pick(links)];
  const tags = (name: string, operator: string): string =>
    `link_id ${operator} (SELECT link_id FROM tags WHERE tenant_id = ${quoted(uuid(tenant.tenantId))} AND name = ${quoted(name)})`;
  const of = (query: Record<string, string>, condition: string, aboutLinks = true) => ({
    query,
    conditions: [condition],
    aboutLinks,
  });
  const domain = pick(domains);
  return pick([
    () => of({ linkId: one.id }, `link_id = ${quoted(uuid(one.id))}`),
    () => of({ domain: one.domain, key: one.key }, `link_id = ${quoted(uuid(one.id))}`),
    () =>
      of({ linkId: `${one.id},${another.id}` }, `link_id IN (${quoted(uuid(one.id))}, ${quoted(uuid(another.id))})`),
    () => of({ linkId: `-${one.id}` }, `link_id <> ${quoted(uuid(one.id))}`),
    () => of({ domain: domain.hostname }, `domain_id = ${quoted(uuid(domain.id))}`, false),
    () => of({ domain: `-${domain.hostname}` }, `domain_id <> ${quoted(uuid(domain.id))}`, false),
    () => of({ tag: 'blue' }, tags('blue', 'IN')),
    () => of({ tag: '-blue' }, tags('blue', 'NOT IN')),
  ])();
}

function range(): { query: Record<string, string>; from: number; to: number } {
  if (chance(0.15)) return { query: { interval: 'all' }, from: 0, to: Math.ceil((Date.now() + 1) / QUARTER) * QUARTER };
  const length = pick([3 * 3_600_000, DAY, 5 * DAY, 40 * DAY, 200 * DAY]) * (0.5 + random() / 2);
  const end = now - random() ** 2 * (now - first - length);
  const aligned = chance(0.3) ? DAY : 60_000;
  const start = Math.floor((end - length) / aligned) * aligned;
  const stop = Math.ceil(end / aligned) * aligned;
  return {
    query: { start: new Date(start).toISOString(), end: new Date(stop).toISOString() },
    from: Math.floor(start / QUARTER) * QUARTER,
    to: Math.ceil(stop / QUARTER) * QUARTER,
  };
}

async function oracle(sql: string): Promise<Array<Record<string, unknown>>> {
  return asRole('postgres', async (client) => (await client.query<Record<string, unknown>>(sql)).rows);
}

const number = (value: unknown): number => Number(value);

interface Random extends Asked {
  groupBy: string;
  to: number;
}

function randomQuestion(): Random {
  const groupBy = chance(0.5) ? pick(OTHERS) : DIMENSIONS[pick(NAMES)].groupBy;
  const { query: period, from, to } = range();
  const parts = [
    ...(chance(0.35) ? [linkFilter()] : []),
    ...NAMES.filter(() => chance(0.07)).map((name) => ({ ...dimensionFilter(name), aboutLinks: false })),
  ];
  const bots = chance(0.2);
  return {
    groupBy,
    to,
    query: {
      event: 'visitors',
      groupBy,
      ...period,
      ...Object.assign({}, ...parts.map((part) => part.query)),
      ...(bots && { bots: 'true' }),
      timezone: pick(ZONES),
      ...(groupBy === 'timeseries' && { granularity: granularityFor(from || first, to) }),
    },
    conditions: [
      `tenant_id = ${quoted(uuid(tenant.tenantId))}`,
      `occurred_at >= to_timestamp(${from / 1000}) AND occurred_at < to_timestamp(${to / 1000})`,
      ...(bots || groupBy === 'bots' ? [] : ['NOT bot']),
      ...parts.flatMap((part) => part.conditions),
    ],
    aboutLinks: groupBy === 'top_links' || groupBy === 'top_tags' || parts.some((part) => part.aboutLinks),
  };
}

function granularityFor(from: number, to: number): string {
  const granularity = pick(['auto', 'day', 'week', 'month', 'hour', '15m'] as const);
  return (to - from) / (granularity === '15m' ? QUARTER : 4 * QUARTER) > 9_000 ? 'day' : granularity;
}

/** One random question, asked of both. */
async function ask(): Promise<{ query: Record<string, string>; answered: unknown; expected: unknown }> {
  const { query, groupBy, conditions, aboutLinks, to } = randomQuestion();
  const { status, body, text } = await tenant.get<unknown>(`/v1/analytics?${new URLSearchParams(query)}`);
  if (status !== 200) throw new Error(`seed ${SEED}: ${JSON.stringify(query)} answered ${status} ${text}`);
  const where = conditions.join(' AND ');
  const visitors = `count(*) FILTER (WHERE ${aboutLinks ? 'first_of_link' : 'first_of_tenant'})::int AS visitors`;
  const expected = await expectedOf(groupBy, { where, visitors, body, to });
  return { query, answered: comparable(groupBy, body), expected };
}

const FIELDS: Record<string, string> = { top_links: 'id', top_domains: 'id', top_tags: 'tag' };
const fieldOf = (groupBy: string): string =>
  FIELDS[groupBy] ?? NAMES.find((name) => DIMENSIONS[name].groupBy === groupBy) ?? groupBy;

type Counted = Record<string, unknown> & { clicks: number; visitors: number };

/** Of breakdowns what has equally many may come in any order, here by value; that more comes first is looked at, too. */
function comparable(groupBy: string, body: unknown): unknown {
  if (!Array.isArray(body) || groupBy === 'timeseries' || groupBy === 'bots') return body;
  const field = fieldOf(groupBy);
  const rows = body as Counted[];
  const order = rows.map(({ clicks, visitors }) => visitors * 1e6 + clicks);
  expect(order).toEqual(order.toSorted((a, b) => b - a));
  return byKey(rows.map((row) => [row[field] ?? null, row.clicks, row.visitors]));
}

const byKey = (rows: unknown[][]): unknown[][] => rows.toSorted((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));

async function expectedOf(
  groupBy: string,
  { where, visitors, body, to }: { where: string; visitors: string; body: unknown; to: number },
): Promise<unknown> {
  const counts = `count(*)::int AS clicks, ${visitors}`;
  const breakdown = async (key: string, from = 'clicks', name = (value: unknown) => value) =>
    byKey(
      (await oracle(`SELECT ${key} AS key, ${counts} FROM ${from} WHERE ${where} GROUP BY 1`)).map((row) => [
        row.key === null ? null : name(row.key),
        row.clicks,
        row.visitors,
      ]),
    );
  if (groupBy === 'count') return (await oracle(`SELECT ${counts} FROM clicks WHERE ${where}`))[0];
  if (groupBy === 'timeseries') return expectedSeries(body as Array<{ start: string }>, { where, visitors, to });
  if (groupBy === 'top_links')
    return breakdown('link_id', 'clicks', (id) => TypeID.fromUUID('link', String(id)).toString());
  if (groupBy === 'top_domains')
    return breakdown('domain_id', 'clicks', (id) => TypeID.fromUUID('dom', String(id)).toString());
  if (groupBy === 'top_tags')
    return breakdown('name', '(SELECT name, clicks.* FROM clicks JOIN tags USING (tenant_id, link_id)) AS clicks');
  if (groupBy === 'bots') {
    const rows = await oracle(`SELECT bot, ${counts} FROM clicks WHERE ${where} GROUP BY bot`);
    return [false, true].map((bot) => rows.find((row) => row.bot === bot) ?? { bot, clicks: 0, visitors: 0 });
  }
  return breakdown(DIMENSIONS[fieldOf(groupBy) as Name].column);
}

/** Each entry by itself, from its start to the next one's. That they start where they must is for time-series.spec. */
async function expectedSeries(
  body: Array<{ start: string }>,
  { where, visitors, to }: { where: string; visitors: string; to: number },
): Promise<unknown> {
  const rows = await oracle(
    `SELECT (extract(epoch FROM occurred_at) * 1000)::float8 AS at, first_of_link, first_of_tenant FROM clicks WHERE ${where}`,
  );
  const flag = visitors.includes('first_of_link') ? 'first_of_link' : 'first_of_tenant';
  const starts = body.map(({ start }) => Date.parse(start));
  const series = body.map(({ start }, index) => {
    const end = starts[index + 1] ?? to;
    const own = rows.filter(({ at }) => number(at) >= Date.parse(start) && number(at) < end);
    return { start, clicks: own.length, visitors: own.filter((row) => row[flag]).length };
  });
  const counted = series.reduce((sum, { clicks }) => sum + clicks, 0);
  return counted === rows.length ? series : `of ${rows.length} clicks ${counted} lie in an entry`;
}

describe(`analytics, asked at random with seed ${SEED}`, () => {
  it('answer what plain SQL over the clicks answers', async () => {
    for (let n = 0; n < QUESTIONS; n++) {
      const { query, answered, expected } = await ask();
      expect({ SEED, n, query, answered }).toEqual({ SEED, n, query, answered: expected });
    }
  }, 300_000);
});
