import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createPostgresBackend, Queue } from 'bullmq';
import pg from 'pg';
import { startEmbeddedPostgres } from '../dist/platform/embedded/embedded-postgres.js';
import { multiplyLinks } from './links.mjs';
import { comeFirst, startWorker } from './servers.mjs';
import { ask, node, startWaypost } from './waypost.mjs';

// What the redirect benchmark plays on: a database with the links of two tenants, and visitors.

const URL_TEXT = 'https://www.example.com/collections/summer-sale/products/linen-shirt-1234567?utm_source=mail';
const ROUND_SECONDS = 180;
/** So many that two of them are sure enough to lie in different partitions. */
const TENANTS = 8;

/**
 * A whole Waypost makes the tenants, their domains and a link each, and ends; SQL multiplies the links. From then on
 * PostgreSQL runs, and a worker that carries changes to the redirecting process but stores no clicks: what that takes,
 * it would take from the visitors' core. The two tenants lie in different partitions, so that the few links of one
 * are a small table also beside the many of the other.
 */
export async function prepareDatabase({ few, many, atEnd }) {
  const waypost = await startWaypost(atEnd);
  const hosts = [];
  for (let n = 0; n < TENANTS; n++) hosts.push(await newTenant(waypost, n));
  await waypost.end();
  const postgres = await startEmbeddedPostgres({ dataDir: waypost.dataDir, log: () => undefined });
  atEnd(postgres.stop);
  const admin = new pg.Client({ connectionString: postgres.adminUrl });
  await admin.connect();
  atEnd(() => admin.end());
  const [small, large] = await apart(admin, hosts);
  await fill(admin, { ...small, links: few });
  await fill(admin, { ...large, links: many });
  for (const table of ['links', 'link_stats']) await admin.query(`VACUUM (ANALYZE) ${table}`);
  await admin.query('CHECKPOINT'); // or it would come in the middle of a round
  const env = {
    DATABASE_URL: postgres.urlFor('waypost_app'),
    DATABASE_INGEST_URL: postgres.urlFor('waypost_ingest'),
    DATABASE_RESOLVER_URL: postgres.urlFor('waypost_resolver'),
    SECRET_KEY: waypost.secretKey,
    PLATFORM_KEY: waypost.platformKey,
  };
  await keepClicksWaiting(env.DATABASE_INGEST_URL);
  const worker = await startWorker({ env, home: waypost.home });
  atEnd(worker.stop);
  return { env, home: waypost.home, few: { host: small.host, links: few }, many: { host: large.host, links: many } };
}

async function keepClicksWaiting(connectionString) {
  const connection = { connectionString, schema: 'bullmq' };
  const queue = new Queue('clicks', { connection }, createPostgresBackend);
  await queue.pause();
  await queue.close();
}

async function newTenant({ apiUrl, platformKey }, n) {
  const host = `go${n}.localhost`;
  const post = (path, key, body) => ask(`${apiUrl}/v1/${path}`, { method: 'POST', key, body });
  const { apiKey } = await post('tenants', platformKey, { name: `Tenant ${n}`, slug: `tenant-${n}` });
  await post('domains', apiKey, { hostname: host, primary: true });
  await post('links', apiKey, { url: URL_TEXT, title: 'Linen shirt, summer sale' });
  return host;
}

/** Two of the tenants, whose links lie in different partitions, each with the link that is to be multiplied. */
async function apart(admin, hosts) {
  const { rows } = await admin.query(
    `SELECT DISTINCT ON (l.tableoid) d.hostname AS host, l.tenant_id AS tenant, l.id AS link
     FROM domains d JOIN links l ON l.tenant_id = d.tenant_id AND l.domain_id = d.id
     WHERE d.hostname = ANY ($1) ORDER BY l.tableoid`,
    [hosts],
  );
  if (rows.length < 2) throw new Error(`All of ${hosts.length} tenants came to lie in one partition`);
  return rows;
}

async function fill(admin, { tenant, link, links }) {
  const start = performance.now();
  await multiplyLinks(admin, { tenant, link, links });
  console.log(`${links} links loaded in ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

export function startVisitors() {
  const child = fork(fileURLToPath(new URL('./visitors.mjs', import.meta.url)), { execPath: node });
  return {
    /** One round: see visitors.mjs. */
    async visit(round) {
      child.send(round);
      const [{ result, error }] = await once(child, 'message', { signal: AbortSignal.timeout(ROUND_SECONDS * 1000) });
      if (error) throw new Error(error);
      return result;
    },
    /** For as long as `work` takes: see comeFirst. */
    async first(work) {
      comeFirst(child, true);
      try {
        return await work();
      } finally {
        comeFirst(child, false);
      }
    },
    stop: () => child.disconnect(),
  };
}
