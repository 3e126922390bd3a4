import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { ClickSpansRepository } from '../dist/clicks/click-spans.repository.js';
import { ClickSpansUpkeep } from '../dist/clicks/click-spans.upkeep.js';
import { continentOf } from '../dist/clicks/continents.js';
import { connectionUrl } from '../dist/platform/embedded/cluster-secret.js';
import { createLogger } from '../dist/platform/telemetry/logger.js';
import { derivingRollups } from '../test/support/derive-rollups.ts';
import { multiplyLinks } from './links.mjs';
import { keep, printTable } from './report.mjs';
import { ask, startWaypost } from './waypost.mjs';

// How long questions about clicks take over HTTP, one after the other: SQL loads the clicks of 90 days, half of them of one
// tenant, derives the sums of them as ingest keeps them, the worker's own code those of longer times, and then that tenant
// asks. An export of all its clicks follows.

const { values: options } = parseArgs({
  options: { full: { type: 'boolean', default: false }, clicks: { type: 'string' }, seed: { type: 'string' } },
});
const CLICKS = Number(options.clicks ?? (options.full ? 10_000_000 : 1_000_000));
const LINKS = options.full ? 50_000 : 5_000;
const SEED = Number(options.seed ?? 1) / 1000;
const DAYS = 90;
const ROUNDS = 40;
const WARM_UP = 3;
const OTHERS = 9;
const COUNTRIES = ['DE', 'US', 'FR', 'GB', 'IT', 'ES', 'AT', 'CH', 'NL', 'PL', 'IN', 'JP', 'BR', 'CA', 'SE', null];
const DAY_MS = 24 * 3_600_000;
/** For loading alone: so that millions are sorted in memory. */
const ROOM = `SET work_mem = '512MB'`;
const TABLES = ['clicks', 'click_rollups', 'tenant_rollups', 'breakdown_rollups', 'click_days'];

const QUESTIONS = {
  'total of 90 days': {},
  'time series by day, UTC': { groupBy: 'timeseries', granularity: 'day' },
  'time series by day, Berlin': { groupBy: 'timeseries', granularity: 'day', timezone: 'Europe/Berlin' },
  countries: { groupBy: 'countries' },
  'top links': { groupBy: 'top_links' },
  'top links, 30 days': { groupBy: 'top_links', interval: '30d' },
  'top links by visitors': { groupBy: 'top_links', event: 'visitors' },
  'one country by day, Berlin': {
    groupBy: 'timeseries',
    granularity: 'day',
    country: 'DE',
    timezone: 'Europe/Berlin',
  },
  'browsers in one country': { groupBy: 'browsers', country: 'DE' },
  'browsers in one country, 30 days': { groupBy: 'browsers', country: 'DE', interval: '30d' },
  'countries, iOS by QR code': { groupBy: 'countries', os: 'iOS', trigger: 'qr' },
  'cities, mobile, 7 days': { groupBy: 'cities', device: 'mobile', interval: '7d' },
};

const waypost = await startWaypost();
const admin = new pg.Client({ connectionString: await urlOf(waypost, 'postgres') });
const ingest = new pg.Client({ connectionString: await urlOf(waypost, 'waypost_ingest') });
try {
  await admin.connect();
  await ingest.connect();
  const loaded = await load();
  const sums = await makeSpans();
  const rows = [];
  for (const [question, query] of Object.entries(QUESTIONS)) rows.push({ question, ...(await measure(query)) });
  const exported = await exportAll();
  print(rows, sums, exported);
  await keep('analytics', { CLICKS, LINKS, DAYS, ROUNDS, SEED, loaded, sums, rows, exported });
} finally {
  await ingest.end();
  await admin.end();
  await waypost.stop();
}

async function urlOf({ dataDir }, role) {
  const secret = (await readFile(join(dataDir, 'postgres-password'), 'utf8')).trim();
  const port = Number((await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8')).split('\n')[3]);
  return connectionUrl({ port, secret }, role, 'waypost');
}

async function load() {
  const link = await ask(`${waypost.apiUrl}/v1/links`, {
    method: 'POST',
    key: waypost.apiKey,
    body: { url: 'https://www.example.com/linen-shirt-1234567', title: 'Linen shirt' },
  });
  const { rows } = await admin.query(`SELECT tenant_id, id, domain_id FROM links WHERE url = $1`, [link.url]);
  const [{ tenant_id: tenant, id, domain_id: domain }] = rows;
  await multiplyLinks(admin, { tenant, link: id, links: LINKS - 1 });
  await admin.query(
    `SELECT make_click_partitions((now() - interval '${DAYS} days')::date, ${Math.ceil(DAYS / 28) + 1})`,
  );
  await admin.query(ROOM);
  const clicksSeconds = await timed(() => insertClicks(tenant, domain));
  await admin.query('VACUUM (ANALYZE) clicks');
  const sumsSeconds = await timed(deriveSums);
  await admin.query('RESET ALL');
  await admin.query('VACUUM (ANALYZE)');
  await admin.query('CHECKPOINT');
  return { clicksSeconds, sumsSeconds };
}

/** Set by set what ingest does batch by batch; each statement has sums of its own. */
async function deriveSums() {
  const statements = derivingRollups('clicks');
  const carryOut = async (client) => {
    for (let next = statements.shift(); next !== undefined; next = statements.shift()) await client.query(next);
  };
  const second = new pg.Client({ connectionString: await urlOf(waypost, 'postgres') });
  await second.connect();
  await second.query(ROOM);
  await Promise.all([carryOut(admin), carryOut(second)]);
  await second.end();
}

/** All of them, as if the worker had never run; and once more a day of the tenant that asks. */
async function makeSpans() {
  const query = async (sql, values) => (await ingest.query(sql, values)).rows;
  const transaction = async (work) => {
    await query('BEGIN');
    const result = await work({ query });
    await query('COMMIT');
    return result;
  };
  const upkeep = new ClickSpansUpkeep(new ClickSpansRepository({ query, transaction }), createLogger('silent', false));
  const make = (since) => upkeep.make({ tenants: undefined, since, now: Date.now(), mayGoOn: () => true });
  const seconds = await timed(() => make(0));
  const { rows } = await admin.query(`SELECT tenant_id FROM links LIMIT 1`);
  const tenant = rows[0].tenant_id;
  const yesterday = Math.floor(Date.now() / DAY_MS - 1) * DAY_MS;
  await admin.query(`DELETE FROM click_spans WHERE tenant_id = $1 AND first >= $2`, [tenant, new Date(yesterday)]);
  const secondsADay = await timed(() => make(yesterday));
  await admin.query('VACUUM (ANALYZE) click_spans, link_spans, visit_spans');
  const figures = await admin.query(
    `SELECT kind, hours, spans::int, rows::int
     FROM (SELECT kind, hours, count(*) AS spans FROM click_spans WHERE tenant_id = $1 GROUP BY 1, 2) AS span
     JOIN (
       SELECT 'links' AS kind, hours, count(*) AS rows FROM link_spans WHERE tenant_id = $1 GROUP BY 2
       UNION ALL
       SELECT 'visits', hours, count(*) FROM visit_spans WHERE tenant_id = $1 GROUP BY 2
     ) AS counted USING (kind, hours)
     ORDER BY 1, 2`,
    [tenant],
  );
  const bytes = {};
  for (const table of [...TABLES, 'click_spans', 'link_spans', 'visit_spans']) {
    const sized = await admin.query(
      `SELECT sum(pg_total_relation_size(relid))::float8 AS bytes FROM pg_partition_tree($1::regclass)`,
      [table],
    );
    bytes[table] = Math.round((sized.rows[0].bytes / CLICKS) * 10) / 10;
  }
  return { seconds, secondsADay, ofTheTenant: figures.rows, bytesAClick: bytes };
}

/**
 * Links, countries and so on are skewed by a power of the random number: few have most. Nine other tenants have no links;
 * their clicks only lie beside. They come in the order in which they happened, as from ingest.
 */
async function insertClicks(tenant, domain) {
  const others = Array.from({ length: OTHERS }, () => randomUUID());
  await admin.query(`SELECT setseed(${SEED})`);
  await admin.query(
    `CREATE TEMPORARY TABLE pool AS SELECT id, row_number() OVER (ORDER BY id) AS nth FROM links WHERE tenant_id = '${tenant}'`,
  );
  const pick = (...values) =>
    `(ARRAY[${values.map((value) => (value === null ? 'NULL' : `'${value}'`)).join(', ')}])[1 + floor(power(random(), 2) * ${values.length})::int]`;
  const cities = `'City ' || (1 + floor(power(random(), 3) * 2000))::int`;
  await admin.query(
    `INSERT INTO clicks (tenant_id, id, link_id, domain_id, occurred_at, continent, country, region, city, device, browser, os,
                         referrer_host, language, utm_source, trigger, bot, first_of_link, first_of_tenant)
     SELECT CASE WHEN random() < 0.5 THEN $1::uuid ELSE ($2::uuid[])[1 + floor(random() * ${OTHERS})::int] END,
            gen_random_uuid(), pool.id, $3, occurred_at,
            continents[place], countries[place],
            NULL, ${cities}, ${pick('mobile', 'desktop', 'tablet', null)},
            ${pick('Chrome', 'Safari', 'Edge', 'Firefox', 'Samsung Internet for Android', 'Opera', null)},
            ${pick('Android', 'iOS', 'Windows', 'macOS', 'Linux', null)},
            'site' || (1 + floor(power(random(), 4) * 300))::int || '.example',
            ${pick('en', 'de', 'fr', 'es', 'it', 'pl', null)}, ${pick(null, 'newsletter', 'google', 'partner')},
            ${pick('link', 'link', 'qr')}, bot, NOT bot AND random() < 0.8, NOT bot AND random() < 0.6
     FROM (
       SELECT now() - power(random(), 1.1) * interval '${DAYS} days' AS occurred_at, random() < 0.05 AS bot,
              1 + floor(power(random(), 3) * ${LINKS})::int AS nth, 1 + floor(power(random(), 2) * ${COUNTRIES.length})::int AS place
       FROM generate_series(1, ${CLICKS})
     ) AS visit
     JOIN pool USING (nth), (SELECT $4::text[] AS countries, $5::text[] AS continents) AS places
     ORDER BY occurred_at`,
    [tenant, others, domain, COUNTRIES, COUNTRIES.map((country) => continentOf(country ?? undefined) ?? null)],
  );
}

async function timed(work) {
  const start = performance.now();
  await work();
  return Math.round((performance.now() - start) / 100) / 10;
}

/** One after the other, by one caller: what a dashboard feels. */
async function measure(query) {
  const url = `${waypost.apiUrl}/v1/analytics?${new URLSearchParams({ interval: '90d', ...query })}`;
  const times = [];
  for (let n = 0; n < WARM_UP + ROUNDS; n++) {
    const start = performance.now();
    await ask(url, { key: waypost.apiKey });
    if (n >= WARM_UP) times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const at = (share) => Math.round(times[Math.ceil(times.length * share) - 1] * 10) / 10;
  return { p50: at(0.5), p95: at(0.95) };
}

async function residentMb() {
  const text = await (await fetch(`${waypost.opsUrl}/metrics`)).text();
  return Number(/^process_resident_memory_bytes(?:\{.*\})? (\S+)$/m.exec(text)[1]) / 1024 / 1024;
}

async function exportAll() {
  const url = `${waypost.apiUrl}/v1/analytics/export?format=ndjson&interval=all&bots=true`;
  const before = await residentMb();
  const start = performance.now();
  const response = await fetch(url, { headers: { authorization: `Bearer ${waypost.apiKey}` } });
  let lines = 0;
  let bytes = 0;
  let most = before;
  let asked = start;
  for await (const piece of response.body) {
    bytes += piece.length;
    for (const byte of piece) if (byte === 10) lines++;
    if (performance.now() - asked < 500) continue;
    asked = performance.now();
    most = Math.max(most, await residentMb());
  }
  const seconds = (performance.now() - start) / 1000;
  return {
    clicks: lines,
    megabytes: Math.round(bytes / 1e6),
    seconds: Math.round(seconds * 10) / 10,
    perSecond: Math.round(lines / seconds),
    residentMbBefore: Math.round(before),
    residentMbMost: Math.round(most),
  };
}

function print(rows, { seconds, secondsADay, ofTheTenant, bytesAClick }, exported) {
  console.log(
    `\n${CLICKS} clicks of ${DAYS} days, half of them of the tenant that asks, on ${LINKS} links; ${ROUNDS} times each`,
  );
  printTable(
    ['question', 'p50 ms', 'p95 ms'],
    rows.map(({ question, p50, p95 }) => [question, p50, p95]),
  );
  console.log(
    `\nSums of longer times: made in ${seconds} s, those of one more day in ${secondsADay} s; of the tenant that asks`,
  );
  printTable(
    ['of', 'hours', 'spans', 'rows'],
    ofTheTenant.map(({ kind, hours, spans, rows: count }) => [kind, hours, spans, count]),
  );
  printTable(['table', 'bytes a click'], Object.entries(bytesAClick));
  console.log(`\nExport: ${JSON.stringify(exported)}`);
}
