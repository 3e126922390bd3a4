import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { makeSegment, one, postgresSeconds, prepareIngest, progress } from './ingest-stage.mjs';
import { keep, medianBy, printTable } from './report.mjs';

// Ingest end to end: segments of a spool go into the queue, and a worker process of its own stores them. The clock stops
// when the last click is in all rollups. Worker, PostgreSQL and this process share the machine's cores. Redirects are
// not part of it: see redirect.mjs. With --minutes, as many clicks a second as --rate says for that long, too.

const ROUNDS = 3;
const CLICKS = 100_000;
const TENANTS = [1, 20, 400];
const LINKS = 20_000;
/** As a busy redirecting process writes them: clicks a segment, and clicks a turn of its event loop. */
const SEGMENT = 5_000;
const TURN = 20;
const WARM_UP = 0.2;
const ROUND_SECONDS = 180;
const MB = 1024 * 1024;

/** A backlog in which one tenant has a hundred times the clicks of each of the others. */
const UNFAIR = { segments: 40, others: 20, times: 100 };
const SAMPLE_MS = 2_000;
const LOOK_MS = 50;

const round2 = (value) => Math.round(value * 100) / 100;
const inMB = (bytes) => Math.round(bytes / MB);

const SUMS = `
  SELECT (SELECT count(*) FROM clicks)::float8 AS clicks, (SELECT sum(clicks) FROM click_rollups)::float8 AS by_link,
         (SELECT sum(clicks) FROM tenant_rollups)::float8 AS by_tenant, (SELECT sum(clicks) FROM link_stats)::float8 AS counters,
         (SELECT sum(clicks) FROM breakdown_rollups WHERE dimension = 'country')::float8 AS by_country,
         (SELECT sum(clicks) FROM click_days WHERE dimension = 'country')::float8 AS by_day`;
// In the ledger: the worker's metrics are a page that it has to make, and for which it opens what waits in the queue.
const STORED = 'SELECT coalesce(sum(stored), 0)::float8 AS stored FROM click_segment_days';
const OF_OTHERS = 'SELECT coalesce(sum(clicks), 0)::float8 AS clicks FROM tenant_rollups WHERE tenant_id <> $1';
const RAW = ['clicks'];
const ROLLED_UP = ['click_rollups', 'tenant_rollups', 'breakdown_rollups', 'click_days'];

const ends = [];
const atEnd = (end) => void ends.unshift(end);
const { values: options } = parseArgs({
  options: { minutes: { type: 'string', default: '0' }, rate: { type: 'string', default: '10000' } },
});

try {
  const stage = await prepareIngest({ links: LINKS, tenants: Math.max(...TENANTS), atEnd });
  const rows = [];
  for (const tenants of TENANTS) rows.push(await measure(stage, stage.tenants.slice(0, tenants)));
  printTable(
    [
      'tenants',
      'clicks/s',
      'seconds',
      'worker µs',
      'PostgreSQL µs',
      'bytes raw',
      'bytes rolled up',
      'RSS MB',
      'heap MB',
    ],
    rows.map((row) => [
      row.tenants,
      row.perSecond,
      row.seconds,
      row.workerCpu,
      row.postgresCpu,
      row.raw,
      row.rolledUp,
      row.rss,
      row.heap,
    ]),
  );
  const fairness = await unfair(stage);
  printTable(
    ['backlog of one tenant', 'drained after s', 'clicks of 20 others', 'all visible after s', 'share'],
    [[fairness.heavy, fairness.drained, fairness.others, fairness.visible, fairness.share]],
  );
  const minutes =
    Number(options.minutes) > 0 ? await sustained(stage, Number(options.minutes), Number(options.rate)) : [];
  if (minutes.length > 0) {
    printTable(
      ['minute', 'clicks/s', 'worker CPU', 'segments waiting', 'RSS MB', 'most', 'heap MB', 'most'],
      minutes.map((m) => [m.minute, m.perSecond, m.cpu, m.waiting, m.rss, m.mostRss, m.heap, m.mostHeap]),
    );
  }
  await keep('ingest', { ROUNDS, CLICKS, SEGMENT, TURN, LINKS, UNFAIR, rows, fairness, minutes });
} finally {
  for (const end of ends) await end();
}

/** The median round, after one that does not count. */
async function measure(stage, tenants) {
  await round(stage, tenants, CLICKS * WARM_UP);
  const rounds = [];
  const before = await sizes(stage);
  for (let n = 0; n < ROUNDS; n++) rounds.push(await round(stage, tenants, CLICKS));
  const after = await sizes(stage);
  const { rss, heap } = await progress(stage.worker);
  return {
    tenants: tenants.length,
    ...medianBy(rounds, 'perSecond'),
    raw: Math.round((after.raw - before.raw) / (ROUNDS * CLICKS)),
    rolledUp: Math.round((after.rolledUp - before.rolledUp) / (ROUNDS * CLICKS)),
    rss: inMB(rss),
    heap: inMB(heap),
    rounds: rounds.map(({ perSecond }) => perSecond),
  };
}

async function round(stage, tenants, clicks) {
  const jobs = [];
  for (let written = 0; written < clicks; written += SEGMENT) jobs.push(await segment(stage, tenants));
  const [before, stored, { cpu }] = [await sums(stage), await storedIn(stage), await progress(stage.worker)];
  const postgres = await postgresSeconds(stage);
  const start = performance.now();
  for (const job of jobs) await send(stage, job);
  await until(stage, stored + clicks);
  const seconds = (performance.now() - start) / 1000;
  const now = await progress(stage.worker);
  const postgresCpu = (await postgresSeconds(stage)) - postgres;
  mustHaveGrown(before, await sums(stage), clicks);
  return {
    perSecond: Math.round(clicks / seconds),
    seconds: round2(seconds),
    workerCpu: Math.round(((now.cpu - cpu) * 1e6) / clicks),
    postgresCpu: Math.round((postgresCpu * 1e6) / clicks),
  };
}

/** Half of all clicks go to one tenant, the others to all; half of a tenant's to one link. */
function segment(stage, tenants) {
  return makeSegment(stage, { clicks: SEGMENT, turn: TURN }, () => (Math.random() < 0.5 ? tenants[0] : one(tenants)));
}

/** All segments wait before the worker takes the first; each has clicks of every tenant. */
async function unfair(stage) {
  const [heavy, ...others] = stage.tenants.slice(0, UNFAIR.others + 1);
  const shares = UNFAIR.times + UNFAIR.others;
  const choose = (n) => (n % shares < UNFAIR.others ? others[n % shares] : heavy);
  const jobs = [];
  for (let n = 0; n < UNFAIR.segments; n++)
    jobs.push(await makeSegment(stage, { clicks: SEGMENT, turn: TURN }, choose));
  const ofOthers = Array.from({ length: SEGMENT }, (_, n) => choose(n)).filter((tenant) => tenant !== heavy).length;
  const all = ofOthers * UNFAIR.segments;
  const seen = async () => (await stage.admin.query(OF_OTHERS, [heavy.tenant_id])).rows[0].clicks;
  const [before, stored] = [await seen(), await storedIn(stage)];
  await stage.queue.pause();
  for (const job of jobs) await send(stage, job);
  const start = performance.now();
  await stage.queue.resume();
  const visible = (async () => {
    while ((await seen()) < before + all) await sleep(50);
    return (performance.now() - start) / 1000;
  })();
  await until(stage, stored + SEGMENT * UNFAIR.segments);
  const drained = (performance.now() - start) / 1000;
  return {
    heavy: SEGMENT * UNFAIR.segments - all,
    drained: round2(drained),
    others: all,
    visible: round2(await visible),
    share: round2((await visible) / drained),
  };
}

/** As many segments a second as make the rate; what is measured is by minute: medians, and the most. */
async function sustained(stage, minutes, rate) {
  const tenants = stage.tenants.slice(0, 20);
  const jobs = [];
  for (let n = 0; n < (minutes * 60 * rate) / SEGMENT; n++) jobs.push(await segment(stage, tenants));
  const samples = [];
  const first = await storedIn(stage);
  const start = performance.now();
  const elapsed = () => performance.now() - start;
  const sending = { over: false };
  const sampling = (async () => {
    for (; !sending.over; await sleep(SAMPLE_MS)) {
      const [now, waiting] = await Promise.all([
        progress(stage.worker),
        stage.queue.getJobCountByTypes('waiting', 'prioritized', 'active'),
      ]);
      samples.push({ at: elapsed(), waiting, ...now });
    }
  })();
  for (const [n, job] of jobs.entries()) {
    await sleep(Math.max(0, (n * SEGMENT * 1000) / rate - elapsed()));
    await send(stage, job);
  }
  sending.over = true;
  await sampling;
  await until(stage, first + jobs.length * SEGMENT);
  return Array.from({ length: Math.ceil(minutes) }, (_, n) => minuteOf(samples, n)).filter(Boolean);
}

function minuteOf(samples, n) {
  const its = samples.filter(({ at }) => Math.floor(at / 60_000) === n);
  if (its.length < 2) return undefined;
  const [first, last] = [its[0], its.at(-1)];
  const seconds = (last.at - first.at) / 1000;
  const median = (figure) => medianBy(its, figure)[figure];
  const most = (figure) => Math.max(...its.map((sample) => sample[figure]));
  return {
    minute: n + 1,
    perSecond: Math.round((last.stored - first.stored) / seconds),
    cpu: round2((last.cpu - first.cpu) / seconds),
    waiting: median('waiting'),
    rss: inMB(median('rss')),
    mostRss: inMB(most('rss')),
    heap: inMB(median('heap')),
    mostHeap: inMB(most('heap')),
  };
}

async function send({ queue }, job) {
  await queue.add('store', job, { jobId: job.segment, removeOnComplete: true });
}

async function storedIn({ admin }) {
  const { rows } = await admin.query(STORED);
  return rows[0].stored;
}

async function until(stage, stored) {
  const end = Date.now() + ROUND_SECONDS * 1000;
  for (; ; await sleep(LOOK_MS)) {
    const now = await storedIn(stage);
    if (now >= stored) return;
    if (Date.now() > end) throw new Error(`${stored - now} clicks were not stored in time`);
  }
}

async function sums({ admin }) {
  const { rows } = await admin.query(SUMS);
  return rows[0];
}

/** Bytes, indexes included, of what clicks are kept in. */
async function sizes({ admin }) {
  const of = async (tables) => {
    await admin.query(`VACUUM ${tables.join(', ')}`);
    const { rows } = await admin.query(
      `SELECT sum(pg_total_relation_size(relid))::float8 AS bytes
       FROM unnest($1::text[]) AS name, pg_partition_tree(name::regclass) WHERE isleaf`,
      [tables],
    );
    return rows[0].bytes;
  };
  return { raw: await of(RAW), rolledUp: await of(ROLLED_UP) };
}

function mustHaveGrown(before, after, clicks) {
  const grown = Object.entries(after).map(([place, count]) => [place, count - before[place]]);
  const wrong = grown.filter(([, count]) => count !== clicks);
  if (wrong.length > 0) throw new Error(`Of ${clicks} clicks there are ${JSON.stringify(Object.fromEntries(wrong))}`);
}
