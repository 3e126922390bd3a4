import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { TypeID } from 'typeid-js';
import { startEmbeddedPostgres } from '../dist/platform/embedded/embedded-postgres.js';
import { multiplyLinks } from './links.mjs';
import { keep, medianBy, mustAll, ownHeaders, printTable } from './report.mjs';
import { cpuMs, EVERY_CORE, peakMemoryOf, startApi, startBare, startWorker } from './servers.mjs';
import { ask, node, startWaypost } from './waypost.mjs';

// What the API takes: links created, each in a transaction with its audit event, its outbox event and the record of its
// Idempotency-Key, and links read by their ids, each beside a bare node:http server that gives the same answer. As in
// production, a process plays the api role and another one the worker role; settings are the defaults. PostgreSQL, both
// processes and the callers share the machine's cores. `--quick` makes one short round each.

const quick = process.argv.includes('--quick');
/** Where a profile of the api process goes, for `node --cpu-prof`. */
const profile = process.env.API_PROFILE;
const ROUNDS = quick ? 1 : 3;
const CREATE = { connections: 32, amount: quick ? 4_000 : 10_000 };
const READ = { connections: 32, amount: quick ? 15_000 : 30_000 };
/** What the bare server answers while Waypost answers one; a shorter round would be over before it is measured. */
const BARE_AMOUNT = { create: 8, read: 4 };
/** The part of a round that goes before, and does not count. */
const WARM_UP = 0.5;
/** Links there are before the first is measured. */
const LINKS = quick ? 20_000 : 100_000;
const IDS = 20_000;
const BODY = { url: 'https://www.example.com/collections/summer-sale/products/linen-shirt-1234567?utm_source=mail' };

/** Whatever is started says here how it is ended: the last comes first, however the benchmark ends. */
const endings = [];
const atEnd = (ending) => void endings.push(ending);
async function end() {
  while (endings.length > 0) await endings.pop()();
}
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void end().finally(() => process.exit(1)));

try {
  const stage = await prepare();
  const rows = [...(await measureCreating(stage)), ...(await measureReading(stage))];
  print(rows);
  const peakMb = Math.round((await peakMemoryOf(stage.api)) / 1e6);
  console.log(`\nmemory of the api process: ${peakMb} MB at most`);
  await keep('api', { ROUNDS, CREATE, READ, LINKS, rows, peakMb });
} finally {
  await end();
}

/** A whole Waypost makes the tenant, and ends; SQL multiplies its one link. Then the roles start, each by itself. */
async function prepare() {
  const waypost = await startWaypost(atEnd);
  const link = await ask(`${waypost.apiUrl}/v1/links`, {
    method: 'POST',
    key: waypost.apiKey,
    body: { ...BODY, title: 'Linen shirt, summer sale' },
  });
  await waypost.end();
  const postgres = await startEmbeddedPostgres({ dataDir: waypost.dataDir, log: () => undefined });
  atEnd(postgres.stop);
  const admin = new pg.Client({ connectionString: postgres.adminUrl });
  await admin.connect();
  atEnd(() => admin.end());
  const [tenant, id] = [waypost.tenantId, link.id].map((text) => TypeID.fromString(text).toUUID());
  await multiplyLinks(admin, { tenant, link: id, links: LINKS });
  for (const table of ['links', 'link_stats']) await admin.query(`VACUUM (ANALYZE) ${table}`);
  const { rows } = await admin.query('SELECT id FROM links WHERE tenant_id = $1 ORDER BY random() LIMIT $2', [
    tenant,
    IDS,
  ]);
  await admin.query('CHECKPOINT'); // or it would come in the middle of a round
  const env = {
    DATABASE_URL: postgres.urlFor('waypost_app'),
    DATABASE_INGEST_URL: postgres.urlFor('waypost_ingest'),
    DATABASE_RESOLVER_URL: postgres.urlFor('waypost_resolver'),
    SECRET_KEY: waypost.secretKey,
    PLATFORM_KEY: waypost.platformKey,
  };
  const given = { env, home: waypost.home };
  const worker = await startWorker({ ...given, cores: EVERY_CORE });
  atEnd(worker.stop);
  const api = await startApi({ ...given, profile });
  atEnd(api.stop);
  const callers = fork(fileURLToPath(new URL('./callers.mjs', import.meta.url)), { execPath: node });
  atEnd(() => callers.connected && callers.disconnect()); // a Ctrl-C reaches it, too
  const postmaster = Number(readFileSync(join(waypost.dataDir, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]);
  return {
    waypost,
    api,
    worker,
    admin,
    postmaster,
    paths: rows.map((row) => `/v1/links/${TypeID.fromUUID('link', row.id)}`),
    async call(round) {
      callers.send(round);
      const [{ result, error }] = await once(callers, 'message');
      if (error) throw new Error(error);
      return result;
    },
  };
}

async function measureCreating(stage) {
  const { waypost, api, call } = stage;
  const request = {
    method: 'POST',
    headers: { authorization: `Bearer ${waypost.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(BODY),
  };
  const url = `${api.apiUrl}/v1/links`;
  const bare = await bareFor(url, request);
  const create = (to, share) => call({ ...request, ...CREATE, amount: CREATE.amount * share, url: to });
  return [
    await measure('create a link', 'node:http', 201, (share) => create(bare, share * BARE_AMOUNT.create)),
    await measure('create a link', 'Waypost', 201, (share) => create(url, share), stage),
  ];
}

async function measureReading(stage) {
  const { waypost, api, call, paths } = stage;
  const request = { headers: { authorization: `Bearer ${waypost.apiKey}` } };
  const bare = await bareFor(api.apiUrl + paths[0], request);
  const read = (to, share) => call({ ...request, ...READ, amount: READ.amount * share, url: to, paths });
  return [
    await measure('read a link', 'node:http', 200, (share) => read(bare, share * BARE_AMOUNT.read)),
    await measure('read a link', 'Waypost', 200, (share) => read(api.apiUrl, share), stage),
  ];
}

/** The median round by throughput, after one that does not count; and what of the cores each took for one request. */
async function measure(what, server, status, round, stage) {
  mustAll(status, await round(WARM_UP));
  const rounds = [];
  for (let n = 0; n < ROUNDS; n++) {
    const before = stage && (await usage(stage));
    const measured = await round(1);
    mustAll(status, measured);
    const after = stage && (await usage(stage));
    rounds.push({ ...measured, ...(stage && { cpuUs: perRequest(before, after, measured) }) });
  }
  return { what, server, ...medianBy(rounds, 'perSecond'), rounds };
}

async function usage({ api, worker, postmaster }) {
  return { api: await cpuMs(api), worker: await cpuMs(worker), postgres: postgresCpuMs(postmaster) };
}

/** Of the server processes there are and have been, on Linux; 0 elsewhere. In hundredths of a second. */
function postgresCpuMs(postmaster) {
  if (process.platform !== 'linux') return 0;
  const stats = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(statOf);
  const own = stats.filter((stat) => stat && (stat.pid === postmaster || stat.parent === postmaster));
  return own.reduce((sum, { pid, ticks, ended }) => sum + (ticks + (pid === postmaster ? ended : 0)) * 10, 0);
}

function statOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
    const [user, system, endedUser, endedSystem] = fields.slice(11, 15).map(Number);
    return { pid: Number(pid), parent: Number(fields[1]), ticks: user + system, ended: endedUser + endedSystem };
  } catch {
    return undefined; // it has ended meanwhile
  }
}

function perRequest(before, after, { requests, callersCpuMs }) {
  const us = (ms) => Math.round((ms * 1000) / requests);
  const used = Object.entries(after).map(([who, ms]) => [who, us(ms - before[who])]);
  return { ...Object.fromEntries(used), callers: us(callersCpuMs) };
}

/** A bare server that answers as Waypost answers this request. */
async function bareFor(url, request) {
  const answer = await fetch(url, request);
  const body = await answer.text();
  const headers = ownHeaders(Object.fromEntries(answer.headers));
  const server = await startBare({ status: answer.status, headers, body }, { cores: EVERY_CORE });
  atEnd(server.stop);
  return `http://127.0.0.1:${server.port}`;
}

function print(rows) {
  console.log(`\nNode ${process.version}, ${availableParallelism()} cores for everything, median of ${ROUNDS} rounds`);
  for (const [what, { connections, amount }] of Object.entries({ create: CREATE, read: READ }))
    console.log(`${what}: ${connections} connections, ${amount} requests a round, beside ${LINKS} links`);
  const columns = ['', 'server', 'per second', 'p50 ms', 'p95 ms', 'p99 ms', 'of node:http'];
  printTable(
    columns,
    rows.map((row) => {
      const bare = rows.find(({ what, server }) => what === row.what && server === 'node:http');
      const latencies = [row.p50, row.p95, row.p99].map((ms) => ms.toFixed(2));
      const ratio = (row.perSecond / bare.perSecond).toFixed(3);
      return [row.what, row.server, row.perSecond.toFixed(0), ...latencies, ratio];
    }),
  );
  const measured = rows.filter(({ cpuUs }) => cpuUs);
  printTable(
    ['µs of CPU for one request', ...Object.keys(measured[0].cpuUs)],
    measured.map(({ what, cpuUs }) => [what, ...Object.values(cpuUs)]),
  );
}
