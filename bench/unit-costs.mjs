import 'reflect-metadata';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import pg from 'pg';
import { v7 } from 'uuid';
import { ClickDetails } from '../dist/clicks/click-details.js';
import { ClicksRepository } from '../dist/clicks/clicks.repository.js';
import { connectionUrl } from '../dist/platform/embedded/cluster-secret.js';
import { LoadShedder } from '../dist/platform/resilience/load-shedder.js';
import { SharedCache } from '../dist/platform/shared-cache/shared-cache.js';
import { createLogger } from '../dist/platform/telemetry/logger.js';
import { linkTargetOf } from '../dist/redirects/plain-answer.js';
import { RedirectCache } from '../dist/redirects/redirect-cache.js';
import { multiplyLinks } from './links.mjs';
import { load } from './load.mjs';
import { ask, ingested, startWaypost } from './waypost.mjs';

// What one link, one click and one rollup row cost: the figures docs/capacity.md computes with. Links are multiplied by
// SQL from one that the API made; clicks go through the worker's own ingest statement.

const LINKS = 200_000;
const CLICKS = 400_000;
const CLICKED_LINKS = 20_000;
const DAYS = 7;
const BATCH = 1_000;
const VISITS = 20_000;
const CACHED = 100_000;
const CACHE_BYTES = 1024 ** 3; // more than these take: none leaves while they are measured
const BUSY_SECONDS = 4;
const DAY_MS = 24 * 3600 * 1000;

// Ordinary lengths: they decide what a row weighs.
const URL_TEXT = 'https://www.example.com/collections/summer-sale/products/linen-shirt-1234567?utm_source=mail';
const REFERRER = 'https://news.example.com/';
const USER_AGENT =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

const figures = [];
const note = (what, value, unit) => figures.push({ what, value: Math.round(value * 100) / 100, unit });

const waypost = await startWaypost();
const admin = await connect('postgres');
try {
  await cost('queue', ['bullmq'], VISITS, 'bytes a click in the queue, as PostgreSQL compresses it', followOneLink);
  const template = await makeTemplate();
  await cost(
    'links',
    ['links', 'link_stats', 'tags'],
    LINKS,
    'bytes a link, with counters, one tag and all indexes',
    () => multiplyTaggedLinks(template),
  );
  for (const table of ['links', 'link_stats', 'tags'])
    note(`  of which ${table}`, (await size([table])) / LINKS, 'bytes');
  await cost('audit', ['audit_events'], LINKS, 'bytes an audit event of a new link', () =>
    multiplyAuditEvents(template),
  );
  await measureClicks(template);
  note('connections of one process with all roles', await connections(), '');
  await measureCache();
  await report();
} finally {
  await admin.end();
  await waypost.stop();
}

async function connect(role) {
  const secret = (await readFile(join(waypost.dataDir, 'postgres-password'), 'utf8')).trim();
  const [, , , port] = (await readFile(join(waypost.dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n');
  const client = new pg.Client({ connectionString: connectionUrl({ port: Number(port), secret }, role, 'waypost') });
  await client.connect();
  return client;
}

/** Bytes on disk of tables with all their partitions and indexes, or of a whole schema; vacuumed first. */
async function size(names) {
  const { rows } = await admin.query(
    `SELECT c.oid::regclass::text AS name, pg_total_relation_size(c.oid)::float8 AS bytes
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND (n.nspname = ANY ($1)
       OR c.oid IN (SELECT relid FROM unnest($1::text[]) AS given, pg_partition_tree(to_regclass(given))))`,
    [names],
  );
  for (const { name } of rows) await admin.query(`VACUUM (ANALYZE) ${name}`);
  const {
    rows: [total],
  } = await admin.query(
    'SELECT sum(pg_total_relation_size(name::regclass))::float8 AS bytes FROM unnest($1::text[]) AS name',
    [rows.map(({ name }) => name)],
  );
  return total.bytes;
}

/** What `work` adds to the tables, by unit. */
async function cost(name, tables, units, label, work) {
  const before = await size(tables);
  const start = performance.now();
  await work();
  console.log(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  note(label, ((await size(tables)) - before) / units, 'bytes');
}

/** One link with everything ordinary links have. */
async function makeTemplate() {
  await ask(`${waypost.apiUrl}/v1/links`, {
    method: 'POST',
    key: waypost.apiKey,
    body: { url: URL_TEXT, title: 'Linen shirt, summer sale', tags: ['summer'] },
  });
  const { rows } = await admin.query('SELECT tenant_id, id, domain_id FROM links ORDER BY id DESC LIMIT 1');
  return rows[0];
}

async function multiplyTaggedLinks({ tenant_id: tenant, id: link }) {
  await multiplyLinks(admin, { tenant, link, links: LINKS });
  await admin.query(
    `INSERT INTO tags (tenant_id, link_id, name) SELECT tenant_id, id, 'summer' FROM links WHERE tenant_id = $1 AND id <> $2
     ON CONFLICT DO NOTHING`,
    [tenant, link],
  );
}

async function multiplyAuditEvents({ tenant_id: tenant }) {
  await admin.query(
    `INSERT INTO audit_events
     SELECT event.tenant_id, uuidv7(), action, actor, target_type,
            'link_' || substr(encode(sha256(l.id::text::bytea), 'hex'), 1, 26), before, after, request_id, occurred_at
     FROM (SELECT * FROM audit_events WHERE tenant_id = $1 AND action = 'link.created' ORDER BY id DESC LIMIT 1) AS event,
          (SELECT id FROM links WHERE tenant_id = $1 LIMIT $2) AS l`,
    [tenant, LINKS],
  );
}

/** Real visitors through the real queue: what stays of their jobs. */
async function followOneLink() {
  const { shortLink } = await ask(`${waypost.apiUrl}/v1/shorten`, {
    method: 'POST',
    key: waypost.apiKey,
    body: { url: URL_TEXT },
  });
  await load({
    url: shortLink,
    connections: 16,
    amount: VISITS,
    headers: { referer: REFERRER, 'user-agent': USER_AGENT },
  });
  await ingested(waypost);
}

/** A week of one tenant: a hot link takes half of all clicks, the others share the rest, a few of them most of it. */
async function measureClicks({ tenant_id: tenant, domain_id: domain }) {
  const { rows: links } = await admin.query('SELECT id FROM links WHERE tenant_id = $1 LIMIT $2', [
    tenant,
    CLICKED_LINKS,
  ]);
  const ingest = await connect('waypost_ingest');
  const statements = { query: async (sql, values) => (await ingest.query(sql, values)).rows };
  const transaction = async (work) => {
    await ingest.query('BEGIN');
    const result = await work(statements);
    await ingest.query('COMMIT');
    return result;
  };
  const clicks = new ClicksRepository({ ...statements, transaction });
  // One visitor in two clicks, over the days.
  const details = new ClickDetails(
    { find: () => undefined },
    { of: async (days) => new Map([...days].map((day) => [day, Buffer.alloc(32)])) },
  );
  const before = { clicks: await size(['clicks']), rollups: await size(['click_rollups']) };
  const start = Date.now() - DAYS * DAY_MS;
  let busy = 0;
  for (let sent = 0; sent < CLICKS; sent += BATCH) {
    const segment = v7();
    const batch = Array.from({ length: BATCH }, (_, n) => {
      const occurredAt = start + Math.floor(((sent + n) / CLICKS) * DAYS * DAY_MS);
      const link = Math.random() < 0.5 ? links[0] : links[Math.floor(Math.random() ** 3 * links.length)];
      return {
        id: v7({ msecs: occurredAt }),
        segment,
        tenantId: tenant,
        domainId: domain,
        linkId: link.id,
        occurredAt,
        referrer: REFERRER,
        userAgent: USER_AGENT,
        address: `10.0.${(sent + n) % 200}.${Math.floor((sent + n) / 200) % 250}`,
        optedOut: false,
        query: '',
      };
    });
    const occurred = Date.now();
    const began = performance.now();
    await clicks.store(await details.of(batch, occurred), occurred);
    busy += performance.now() - began;
  }
  await ingest.end();
  console.log(`clicks: ${(busy / 1000).toFixed(1)} s`);
  note('bytes a click, with all indexes', ((await size(['clicks'])) - before.clicks) / CLICKS, 'bytes');
  const {
    rows: [{ rows: rollups }],
  } = await admin.query('SELECT count(*)::float8 AS rows FROM click_rollups');
  note('bytes a rollup row, with all indexes', ((await size(['click_rollups'])) - before.rollups) / rollups, 'bytes');
  note('rollup rows a click in this mix', rollups / CLICKS, '');
  note('clicks ingested a second by one connection', (CLICKS / busy) * 1000, '');
}

/** The most connections to PostgreSQL that all roles in one process hold while they are kept busy. */
async function connections() {
  const { shortLink } = await ask(`${waypost.apiUrl}/v1/shorten`, {
    method: 'POST',
    key: waypost.apiKey,
    body: { url: URL_TEXT },
  });
  const headers = { authorization: `Bearer ${waypost.apiKey}`, 'content-type': 'application/json' };
  const busy = Promise.all([
    load({
      url: `${waypost.apiUrl}/v1/links`,
      connections: 32,
      seconds: BUSY_SECONDS,
      method: 'POST',
      headers,
      body: JSON.stringify({ url: URL_TEXT }),
    }),
    load({ url: shortLink, connections: 16, seconds: BUSY_SECONDS }),
  ]);
  let most = 0;
  for (const end = performance.now() + BUSY_SECONDS * 1000; performance.now() < end; await sleep(50)) {
    const { rows } = await admin.query(
      `SELECT count(*)::int AS open FROM pg_stat_activity WHERE usename LIKE 'waypost%'`,
    );
    most = Math.max(most, rows[0].open);
  }
  await busy;
  return most;
}

/** Heap of a full redirect cache, by entry. */
async function measureCache() {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  const domain = { tenantId: v7(), domainId: v7() };
  // Fresh strings and dates for each, as rows from the database are.
  const findLink = async (_domain, key) => {
    const link = {
      tenantId: v7(), domainId: v7(), linkId: v7(), url: Buffer.from(`${URL_TEXT}&n=${key}`).toString(), startsAt: null,
      expiresAt: null, expiredUrl: null, maxClicks: null, clicks: 0, redirectStatus: 302, forwardQuery: false, disabledAt: null,
      takedown: null, sharedMaxAge: null,
    }; // prettier-ignore
    return { value: linkTargetOf(link), confirmedAt: Date.now(), provisional: false };
  };
  const silent = createLogger('silent', false);
  const cache = new RedirectCache(
    { redirectCacheBytes: CACHE_BYTES },
    { findLink },
    new LoadShedder(),
    new SharedCache(undefined, silent),
    silent,
  );
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let n = 0; n < CACHED; n++) await cache.link('go.example.com', domain, Buffer.from(`k${n}`).toString());
  collect();
  note('bytes of heap a cached link', (process.memoryUsage().heapUsed - before) / CACHED, 'bytes');
  await cache.link('go.example.com', domain, 'k0'); // so that the cache is still there when it is measured
}

async function report() {
  const widest = Math.max(...figures.map(({ what }) => what.length));
  console.log(`\nNode ${process.version}, ${LINKS} links, ${CLICKS} clicks over ${DAYS} days\n`);
  for (const { what, value, unit } of figures)
    console.log(`${what.padEnd(widest)}  ${String(value).padStart(10)} ${unit}`);
  const at = new Date().toISOString();
  const file = new URL(`./results/unit-costs-${at.replaceAll(':', '-')}.json`, import.meta.url);
  await mkdir(new URL('.', file), { recursive: true });
  await writeFile(file, `${JSON.stringify({ at, node: process.version, LINKS, CLICKS, DAYS, figures }, null, 2)}\n`);
  console.log(`\nWritten to ${fileURLToPath(file)}`);
}
