import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createPostgresBackend, Queue, setDefaultBackendFactory } from 'bullmq';
import pg from 'pg';
import { SegmentWriter } from '../dist/clicks/segment-writer.js';
import { startEmbeddedPostgres } from '../dist/platform/embedded/embedded-postgres.js';
import { newId } from '../dist/platform/ids.js';
import { queueConnection } from '../dist/platform/queue/connection.js';
import { Secrets } from '../dist/platform/secrets/secrets.js';
import { freePorts } from '../test/support/waypost-process.ts';
import { multiplyLinks } from './links.mjs';
import { ask, counters, machine, node, root, startWaypost } from './waypost.mjs';

// What the benchmark of ingest plays on: a database with links of many tenants, a queue, and a worker that stores.

const START_SECONDS = 60;
const TICKS_A_SECOND = 100;

const BROWSERS = Array.from(
  { length: 300 },
  (_, n) =>
    `Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${80 + (n % 60)}.0.${n}.0 Safari/537.36`,
);
const COUNTRIES = ['DE', 'US', 'FR', 'IN', 'BR', 'JP', 'GB', 'NG', 'AU', 'MX'];

export const one = (values) => values[Math.floor(Math.random() * values.length)];

/** A whole Waypost migrates and ends; SQL makes tenants and links. From then on PostgreSQL and a worker run alone. */
export async function prepareIngest({ links, tenants: most, atEnd }) {
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
  const tenants = await makeTenants(admin, { links, most });
  const databaseUrls = { ingest: postgres.urlFor('waypost_ingest'), resolver: postgres.urlFor('waypost_resolver') };
  setDefaultBackendFactory(createPostgresBackend);
  const queue = new Queue('clicks', { connection: queueConnection({ roles: new Set(['redirect']), databaseUrls }) });
  atEnd(() => queue.close());
  const worker = await startWorker(waypost, atEnd, {
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
async function makeTenants(admin, { links: all, most }) {
  const { rows } = await admin.query('SELECT tenant_id, id FROM links LIMIT 1');
  const [{ tenant_id: tenant, id: link }] = rows;
  await multiplyLinks(admin, { tenant, link, links: all / 2 });
  await admin.query(
    `INSERT INTO tenants (id, name, slug, created_at, updated_at)
     SELECT uuidv7(), 'Tenant', 'bench-' || n, now(), now() FROM generate_series(2, $1::int) AS n`,
    [most],
  );
  // Ingest asks for counters, not for links.
  await admin.query(
    `INSERT INTO link_stats (tenant_id, link_id, clicks)
     SELECT id, uuidv7(), 0 FROM tenants, generate_series(1, $1::int) WHERE slug LIKE 'bench-%'`,
    [Math.ceil(all / 2 / most)],
  );
  await admin.query('VACUUM (ANALYZE) link_stats');
  const links = await admin.query(
    `SELECT tenant_id, array_agg(link_id) AS links FROM link_stats GROUP BY 1 ORDER BY count(*) DESC, 1`,
  );
  return links.rows;
}

async function startWorker({ home }, atEnd, env) {
  const { PORT, REDIRECT_PORT, OPS_PORT } = await freePorts();
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

/** Seconds that PostgreSQL's processes have computed, those that have ended included; NaN where there is no /proc. */
export async function postgresSeconds({ admin }) {
  const { rows } = await admin.query('SELECT pg_backend_pid() AS pid');
  const backend = await statOf(rows[0].pid);
  if (!backend) return Number.NaN;
  const children = await readFile(`/proc/${backend.parent}/task/${backend.parent}/children`, 'utf8');
  const stats = await Promise.all([...children.trim().split(' '), backend.parent].map(statOf));
  return stats.reduce((ticks, stat) => ticks + (stat?.ticks ?? 0), 0) / TICKS_A_SECOND;
}

/** Undefined of a process that is no more. A parent's ticks include those of children that have ended. */
async function statOf(pid) {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  const fields = text?.slice(text.lastIndexOf(')') + 2).split(' ');
  return fields && { parent: fields[1], ticks: fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) };
}

export async function progress(worker) {
  const [stored, cpu, rss, heap] = await counters(
    worker,
    'waypost_clicks_stored_total',
    'process_cpu_seconds_total',
    'process_resident_memory_bytes',
    'nodejs_heap_size_used_bytes',
  );
  return { stored, cpu, rss, heap };
}

/** @param choose the tenant of the n-th click */
export async function makeSegment({ secrets, home }, { clicks, turn }, choose) {
  const id = newId();
  const path = join(home, id);
  const writer = new SegmentWriter(id, path, secrets.keyFor('clicks', id));
  for (let n = 0; n < clicks; n++) {
    const tenant = choose(n);
    const linkId = Math.random() < 0.5 ? tenant.links[0] : one(tenant.links);
    writer.append(
      { tenantId: tenant.tenant_id, domainId: tenant.tenant_id, linkId },
      visitor(),
      n % 3 ? '' : 'utm_source=mail&utm_medium=news',
    );
    if (n % turn === turn - 1) writer.flush();
  }
  writer.flush();
  writer.close();
  const frames = (await readFile(path)).toString('base64');
  await rm(path);
  return { segment: id, frames };
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
