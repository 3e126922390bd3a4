import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPostgresBackend, Queue, setDefaultBackendFactory } from 'bullmq';
import pg from 'pg';
import { SegmentWriter } from '../dist/clicks/segment-writer.js';
import { startEmbeddedPostgres } from '../dist/platform/embedded/embedded-postgres.js';
import { newId } from '../dist/platform/ids.js';
import { queueConnection } from '../dist/platform/queue/connection.js';
import { Secrets } from '../dist/platform/secrets/secrets.js';
import { multiplyLinks } from './links.mjs';
import { keep, medianBy, printTable } from './report.mjs';
import { ask, counters, freePort, machine, node, root, startWaypost } from './waypost.mjs';

// Ingest end to end: segments of a spool go into the queue, and a worker process of its own stores them. The clock stops
// when the last click is in all rollups. Worker, PostgreSQL and this process share the machine's cores. Redirects are
// not part of it: see redirect.mjs.

const ROUNDS = 3;
const CLICKS = 100_000;
const TENANTS = [1, 20, 400];
const LINKS = 20_000;
/** As a busy redirecting process writes them: clicks a segment, and clicks a turn of its event loop. */
const SEGMENT = 5_000;
const TURN = 20;
const WARM_UP = 0.2;
const START_SECONDS = 60;
const ROUND_SECONDS = 180;

const BROWSERS = Array.from(
  { length: 300 },
  (_, n) =>
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${80 + (n % 60)}.0.${n}.0 Safari/537.36`,
);
const COUNTRIES = ['DE', 'US', 'FR', 'IN', 'BR', 'JP', 'GB', 'NG', 'AU', 'MX'];

const SUMS = `
  SELECT (SELECT count(*) FROM clicks)::float8 AS clicks, (SELECT sum(clicks) FROM click_rollups)::float8 AS by_link,
         (SELECT sum(clicks) FROM tenant_rollups)::float8 AS by_tenant, (SELECT sum(clicks) FROM link_stats)::float8 AS counters,
         (SELECT sum(clicks) FROM breakdown_rollups WHERE dimension = 'country')::float8 AS by_country,
         (SELECT sum(clicks) FROM click_days WHERE dimension = 'country')::float8 AS by_day`;

const ends = [];
const atEnd = (end) => void ends.unshift(end);
const one = (values) => values[Math.floor(Math.random() * values.length)];

try {
  const stage = await prepare();
  const rows = [];
  for (const tenants of TENANTS) rows.push(await measure(stage, stage.tenants.slice(0, tenants)));
  printTable(
    ['tenants', 'clicks/s', 'seconds', 'worker CPU s'],
    rows.map(({ tenants, perSecond, seconds, cpuSeconds }) => [tenants, perSecond, seconds, cpuSeconds]),
  );
  await keep('ingest', { ROUNDS, CLICKS, SEGMENT, TURN, LINKS, rows });
} finally {
  for (const end of ends) await end();
}

/** A whole Waypost migrates and ends; SQL makes tenants and links. From then on PostgreSQL and a worker run alone. */
async function prepare() {
  const waypost = await startWaypost(atEnd);
  await ask(`${waypost.apiUrl}/v1/links`, {
    method: 'POST',
    key: waypost.apiKey,
    body: { url: 'https://example.com/' },
  });
  await waypost.end();
  const postgres = await startEmbeddedPostgres({ dataDir: waypost.dataDir, log: () => undefined });
  atEnd(() => postgres.stop());
  const admin = new pg.Client({ connectionString: postgres.adminUrl });
  await admin.connect();
  atEnd(() => admin.end());
  const tenants = await makeTenants(admin);
  const databaseUrls = { ingest: postgres.urlFor('waypost_ingest'), resolver: postgres.urlFor('waypost_resolver') };
  setDefaultBackendFactory(createPostgresBackend);
  const queue = new Queue('clicks', { connection: queueConnection({ roles: new Set(['redirect']), databaseUrls }) });
  atEnd(() => queue.close());
  const worker = await startWorker(waypost, {
    DATABASE_URL: postgres.urlFor('waypost_app'),
    DATABASE_INGEST_URL: databaseUrls.ingest,
    SECRET_KEY: waypost.secretKey,
    PLATFORM_KEY: waypost.platformKey,
  });
  return {
    admin,
    queue,
    worker,
    tenants,
    home: waypost.home,
    secrets: new Secrets(Buffer.from(waypost.secretKey, 'base64')),
  };
}

/** The link that the API made, multiplied for tenants that are copies of its own. */
async function makeTenants(admin) {
  const most = Math.max(...TENANTS);
  const { rows } = await admin.query('SELECT tenant_id, id FROM links LIMIT 1');
  const [{ tenant_id: tenant, id: link }] = rows;
  await multiplyLinks(admin, { tenant, link, links: LINKS / 2 });
  await admin.query(
    `INSERT INTO tenants (id, name, slug, created_at, updated_at)
     SELECT uuidv7(), 'Tenant', 'bench-' || n, now(), now() FROM generate_series(2, $1::int) AS n`,
    [most],
  );
  // Ingest asks for counters, not for links.
  await admin.query(
    `INSERT INTO link_stats (tenant_id, link_id, clicks)
     SELECT id, uuidv7(), 0 FROM tenants, generate_series(1, $1::int) WHERE slug LIKE 'bench-%'`,
    [Math.ceil(LINKS / 2 / most)],
  );
  await admin.query('VACUUM (ANALYZE) link_stats');
  const links = await admin.query(
    `SELECT tenant_id, array_agg(link_id) AS links FROM link_stats GROUP BY 1 ORDER BY count(*) DESC, 1`,
  );
  return links.rows;
}

async function startWorker({ home }, env) {
  const [PORT, REDIRECT_PORT, OPS_PORT] = await Promise.all([freePort(), freePort(), freePort()]);
  const settings = { APP_ROLE: 'worker', HOST: '127.0.0.1', LOG_LEVEL: 'warn', PORT, REDIRECT_PORT, OPS_PORT };
  const child = spawn(node, ['dist/main.js'], {
    cwd: root,
    env: { ...machine(), ...settings, DATA_DIR: await mkdtemp(join(home, 'worker-')), ...env },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  atEnd(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  const opsUrl = `http://127.0.0.1:${OPS_PORT}`;
  for (const end = Date.now() + START_SECONDS * 1000; ; await sleep(100)) {
    const ready = await fetch(`${opsUrl}/readyz`).catch(() => undefined); // refused until it listens
    if (ready?.ok) return { opsUrl };
    if (child.exitCode !== null || Date.now() > end) throw new Error('The worker did not start');
  }
}

/** The median round, after one that does not count. */
async function measure(stage, tenants) {
  await round(stage, tenants, CLICKS * WARM_UP);
  const rounds = [];
  for (let n = 0; n < ROUNDS; n++) rounds.push(await round(stage, tenants, CLICKS));
  return {
    tenants: tenants.length,
    ...medianBy(rounds, 'perSecond'),
    rounds: rounds.map(({ perSecond }) => perSecond),
  };
}

async function round(stage, tenants, clicks) {
  const jobs = [];
  for (let written = 0; written < clicks; written += SEGMENT) jobs.push(await segment(stage, tenants));
  const [before, stored] = await Promise.all([sums(stage), progress(stage.worker)]);
  const start = performance.now();
  for (const job of jobs) await stage.queue.add('store', job, { jobId: job.segment, removeOnComplete: true });
  const end = Date.now() + ROUND_SECONDS * 1000;
  let now = stored;
  for (; now.stored < stored.stored + clicks; now = await progress(stage.worker)) {
    if (Date.now() > end) throw new Error(`Only ${now.stored - stored.stored} of ${clicks} clicks were stored`);
    await sleep(25);
  }
  const seconds = (performance.now() - start) / 1000;
  mustHaveGrown(before, await sums(stage), clicks);
  return {
    perSecond: Math.round(clicks / seconds),
    seconds: Math.round(seconds * 100) / 100,
    cpuSeconds: Math.round((now.cpu - stored.cpu) * 100) / 100,
  };
}

async function progress(worker) {
  const [stored, cpu] = await counters(worker, 'waypost_clicks_stored_total', 'process_cpu_seconds_total');
  return { stored, cpu };
}

/** Half of all clicks go to one link, the others to all links of all tenants. */
async function segment({ secrets, home }, tenants) {
  const id = newId();
  const path = join(home, id);
  const writer = new SegmentWriter(id, path, secrets.keyFor('clicks', id));
  for (let n = 0; n < SEGMENT; n++) {
    const tenant = Math.random() < 0.5 ? tenants[0] : one(tenants);
    const linkId = Math.random() < 0.5 ? tenant.links[0] : one(tenant.links);
    writer.append(
      { tenantId: tenant.tenant_id, domainId: tenant.tenant_id, linkId },
      visitor(),
      n % 3 ? '' : 'utm_source=mail&utm_medium=news',
    );
    if (n % TURN === TURN - 1) writer.flush();
  }
  writer.flush();
  writer.close();
  return { segment: id, frames: (await readFile(path)).toString('base64') };
}

async function sums({ admin }) {
  const { rows } = await admin.query(SUMS);
  return rows[0];
}

function mustHaveGrown(before, after, clicks) {
  const grown = Object.entries(after).map(([place, count]) => [place, count - before[place]]);
  const wrong = grown.filter(([, count]) => count !== clicks);
  if (wrong.length > 0) throw new Error(`Of ${clicks} clicks there are ${JSON.stringify(Object.fromEntries(wrong))}`);
}

function visitor() {
  return {
    address: `10.${Math.floor(Math.random() * 40)}.${Math.floor(Math.random() * 250)}.1`,
    userAgent: one(BROWSERS),
    referrer: `https://site${Math.floor(Math.random() * 40)}.example.com/page`,
    language: one(['de-AT,de;q=0.9', 'en-US,en;q=0.9', 'fr']),
    country: one(COUNTRIES),
    optedOut: false,
  };
}
