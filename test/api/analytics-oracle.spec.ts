import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TypeID } from 'typeid-js';
import { clicked, type KnownClick } from '../support/clicks.js';
import { asRole } from '../support/database.js';
import { newDomain } from '../support/domains.js';
import { Ingest, rowsOf } from '../support/ingest.js';
import { type LinkBody, newTenant, type Tenant } from '../support/waypost.js';

// Random questions about random clicks, each answered by the API and by plain SQL over the single clicks. Whatever the
// answer was read from, sums of whatever length or clicks, both must be the same. ANALYTICS_SEED asks what an earlier run
// asked. More clicks come meanwhile, so that some sums are out of date, and some of them are made anew.

const SEED = Number(process.env.ANALYTICS_SEED ?? Date.now() % 1_000_000);
const QUESTIONS = 250;
const CLICKS = 5_000;
const LATE_CLICKS = 40;
/** Questions between late clicks, and how often of those sums are made anew. */
const LATE_EVERY = 25;
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
/** Those of which sums are kept by all of them at once. */
const FEW = ['country', 'continent', 'device', 'browser', 'os', 'trigger'] as const;
const NAMES = Object.keys(DIMENSIONS) as Name[];

const GRANULARITIES = ['auto', 'day', 'week', 'month', 'hour', '15m'] as const;
const OTHERS = ['count', 'timeseries', 'timeseries', 'top_links', 'top_domains', 'top_tags', 'bots'] as const;

interface Asked {
  query: Record<string, string>;
  /** Over `clicks`, as SQL literals. */
  conditions: string[];
  aboutLinks: boolean;
}

let tenant: Tenant;
let ingest: Ingest;
let links: LinkBody[];
let domains: Array<{ id: string; hostname: string }>;
const now = Math.floor(Date.now() / 1000) * 1000;
// Between both changes of the clock of the northern hemisphere and those of the southern one, as far as clicks are kept.
const first = now - 250 * DAY;
/** When the clocks of these zones change in that time. */
const CHANGES = ZONES.flatMap((timezone) => changesOf(timezone).map((at) => ({ timezone, at })));

function changesOf(timezone: string): number[] {
  const changes: number[] = [];
  let time = Temporal.Instant.fromEpochMilliseconds(first).toZonedDateTimeISO(timezone);
  for (;;) {
    const next = time.getTimeZoneTransition('next');
    if (!next || next.epochMilliseconds > now) return changes;
    changes.push(next.epochMilliseconds);
    time = next;
  }
}

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
  ingest = await Ingest.open();
  await ingest.makeSpans(tenant);
}, 120_000);
afterAll(async () => {
  await ingest.close();
});

/** Visitors are others than before: who was seen on a day is known to ingest alone. */
async function comeLate(): Promise<void> {
  const late = Array.from({ length: LATE_CLICKS }, randomClick);
  await clicked(
    tenant,
    late.map((click) => ({ ...click, ...(click.visitor && { visitor: `late ${random()}` }) })),
  );
}

async function spansUpToDate(): Promise<{ stale: number; fresh: number }> {
  const [row] = await rowsOf<{ stale: number; fresh: number }>(
    `SELECT count(*) FILTER (WHERE counted <> now_counted)::int AS stale,
            count(*) FILTER (WHERE counted = now_counted)::int AS fresh
     FROM (
       SELECT counted, (
         SELECT sum(clicks + bots) FROM tenant_rollups
         WHERE tenant_id = span.tenant_id AND bucket >= first AND bucket < first + make_interval(hours => hours)
       ) AS now_counted
       FROM click_spans AS span WHERE tenant_id = $1) AS compared`,
    [uuid(tenant.tenantId)],
  );
  return row ?? { stale: 0, fresh: 0 };
}

function randomClick(): KnownClick {
  const n = Math.floor(random() ** 1.5 * links.length);
  // Half of them in few days, so that small ranges have some.
  const ago = chance(0.5) ? random() * 4 * DAY : random() * (now - first);
  const change = chance(0.1) ? now - (pick(CHANGES).at + (random() * 4 - 2) * DAY) : undefined;
  const details = Object.fromEntries(
    NAMES.flatMap((name) => {
      const value = pick<string | null>(DIMENSIONS[name].values);
      return value === null ? [] : [[DIMENSIONS[name].column, value]];
    }),
  );
  return {
    at: new Date(now - Math.max(0, change ?? ago)).toISOString(),
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

interface Range {
  query: Record<string, string>;
  from: number;
  to: number;
}

function range(): Range & { timezone: string; granularities?: readonly Granularity[] } {
  if (chance(0.2)) return { ...rangeAroundChange(), granularities: ['day', 'hour', 'week'] };
  return { ...anyRange(), timezone: pick(ZONES) };
}

/** Days of 23 and 25 hours, and of half an hour more or less. */
function rangeAroundChange(): Range & { timezone: string } {
  const { timezone, at } = pick(CHANGES);
  const quarter = (time: number): number => Math.floor(time / QUARTER) * QUARTER;
  const [from, to] = [quarter(at - random() * 2 * DAY), quarter(at + QUARTER + random() * 2 * DAY)];
  return { query: { start: new Date(from).toISOString(), end: new Date(to).toISOString() }, from, to, timezone };
}

function anyRange(): Range {
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
  /** 0: since the first click. */
  from: number;
  to: number;
}

function randomQuestion(): Random {
  const groupBy = chance(0.5) ? pick(OTHERS) : DIMENSIONS[pick(NAMES)].groupBy;
  const { query: period, from, to, timezone, granularities } = range();
  const granularity = granularityFor(from || first, to, granularities);
  const names = new Set([...(chance(0.4) ? [pick(FEW)] : []), ...NAMES.filter(() => chance(0.05))]);
  const parts = [
    ...(chance(0.35) ? [linkFilter()] : []),
    ...Array.from(names, (name) => ({ ...dimensionFilter(name), aboutLinks: false })),
  ];
  const bots = chance(0.2);
  return {
    groupBy,
    from,
    to,
    query: {
      event: 'visitors',
      groupBy,
      ...period,
      ...Object.assign({}, ...parts.map((part) => part.query)),
      ...(bots && { bots: 'true' }),
      timezone,
      ...(groupBy === 'timeseries' && { granularity }),
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

type Granularity = (typeof GRANULARITIES)[number];
function granularityFor(from: number, to: number, among: readonly Granularity[] = GRANULARITIES): Granularity {
  const granularity = pick(among);
  return (to - from) / (granularity === '15m' ? QUARTER : 4 * QUARTER) > 9_000 ? 'day' : granularity;
}

/** One random question, asked of both. */
async function ask(): Promise<{ query: Record<string, string>; answered: unknown; expected: unknown }> {
  const { query, groupBy, conditions, aboutLinks, from, to } = randomQuestion();
  const { status, body, text } = await tenant.get<unknown>(`/v1/analytics?${new URLSearchParams(query)}`);
  if (status !== 200) throw new Error(`seed ${SEED}: ${JSON.stringify(query)} answered ${status} ${text}`);
  const where = conditions.join(' AND ');
  const visitors = `count(*) FILTER (WHERE ${aboutLinks ? 'first_of_link' : 'first_of_tenant'})::int AS visitors`;
  const expected = await expectedOf(groupBy, { where, visitors, body, query, from, to });
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

async function expectedOf(groupBy: string, { body, ...asked }: { body: unknown } & Series): Promise<unknown> {
  const { where, visitors } = asked;
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
  if (groupBy === 'timeseries') return expectedSeries(body as Array<{ start: string }>, asked);
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

interface Series {
  where: string;
  visitors: string;
  query: Record<string, string>;
  from: number;
  to: number;
}

/** Where PostgreSQL says that days, weeks and months begin; undefined where it is not asked. */
async function startsOf({ query, from, to }: Series): Promise<string[] | undefined> {
  const { granularity = '', timezone = '' } = query;
  if (from === 0 || !['day', 'week', 'month'].includes(granularity)) return undefined;
  const rows = await oracle(
    `SELECT DISTINCT date_trunc('${granularity}', at, '${timezone}') AS start
     FROM generate_series(to_timestamp(${from / 1000}), to_timestamp(${to / 1000 - 1}), interval '15 minutes') AS at
     ORDER BY 1`,
  );
  return rows.map(({ start }) => (start as Date).toISOString());
}

/** Each entry by itself, from its start to the next one's. Where hours begin is for time-series.spec. */
async function expectedSeries(body: Array<{ start: string }>, asked: Series): Promise<unknown> {
  const { where, visitors, to } = asked;
  const expected = (await startsOf(asked)) ?? body.map(({ start }) => start);
  const rows = await oracle(
    `SELECT (extract(epoch FROM occurred_at) * 1000)::float8 AS at, first_of_link, first_of_tenant FROM clicks WHERE ${where}`,
  );
  const flag = visitors.includes('first_of_link') ? 'first_of_link' : 'first_of_tenant';
  const starts = expected.map((start) => Date.parse(start));
  const series = expected.map((start, index) => {
    const end = starts[index + 1] ?? to;
    const own = rows.filter(({ at }) => number(at) >= Date.parse(start) && number(at) < end);
    return { start, clicks: own.length, visitors: own.filter((row) => row[flag]).length };
  });
  const counted = series.reduce((sum, { clicks }) => sum + clicks, 0);
  return counted === rows.length ? series : `of ${rows.length} clicks ${counted} lie in an entry`;
}

describe(`analytics, asked at random with seed ${SEED}`, () => {
  it('answer what plain SQL over the clicks answers', async () => {
    expect(await spansUpToDate()).toEqual({ stale: 0, fresh: expect.any(Number) });
    let sawStale = 0;
    for (let n = 0; n < QUESTIONS; n++) {
      if (n % LATE_EVERY === LATE_EVERY - 1) {
        await comeLate();
        sawStale += (await spansUpToDate()).stale;
        if (chance(0.5)) await ingest.makeSpans(tenant);
      }
      const { query, answered, expected } = await ask();
      expect({ SEED, n, query, answered }).toEqual({ SEED, n, query, answered: expected });
    }
    expect(sawStale).toBeGreaterThan(0);
    expect((await spansUpToDate()).fresh).toBeGreaterThan(0);
  }, 300_000);
});
