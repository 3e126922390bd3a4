import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { load } from './load.mjs';
import { keep, medianBy, mustAll, ownHeaders, printTable } from './report.mjs';
import { ask, counters, ingested, node, startWaypost } from './waypost.mjs';

// The first benchmark: creating links and following one, each beside a bare node:http server that gives the same answer.
// Servers and load generator are processes of their own, and share the machine's cores with PostgreSQL.

const ROUNDS = 3;
const CREATE = { connections: 16, amount: 3000 };
const FOLLOW = { connections: 64, seconds: 5 };
/** What the bare server answers while Waypost creates one link; a shorter round would be over before it is measured. */
const BARE_AMOUNT = 10;
/** The part of a round that goes before, and does not count. */
const WARM_UP = 0.3;

const waypost = await startWaypost();
const baselines = [];
try {
  const links = await measureCreating();
  const redirects = await measureFollowing();
  const rows = [...links.rows, ...redirects.rows];
  print(rows);
  await keep('first-links', { ROUNDS, CREATE, FOLLOW, rows, clicks: redirects.clicks });
} finally {
  for (const baseline of baselines) baseline.disconnect();
  await waypost.stop();
}

/** A link is a transaction: the row and its counters, an audit event, an outbox event. */
async function measureCreating() {
  const request = {
    method: 'POST',
    headers: { authorization: `Bearer ${waypost.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ url: 'https://example.com/a/page/of/ordinary/length?campaign=summer' }),
  };
  const url = `${waypost.apiUrl}/v1/links`;
  const bare = await baselineFor(url, request);
  const create = (to, share) => load({ ...request, ...CREATE, amount: CREATE.amount * share, url: to });
  return {
    rows: [
      {
        what: 'create a link',
        server: 'node:http',
        ...(await median((share) => create(bare, share * BARE_AMOUNT), 201)),
      },
      { what: 'create a link', server: 'Waypost', ...(await median((share) => create(url, share), 201)) },
    ],
  };
}

async function measureFollowing() {
  const { id, shortLink } = await ask(`${waypost.apiUrl}/v1/links`, {
    method: 'POST',
    key: waypost.apiKey,
    body: { url: 'https://example.com/a/page/of/ordinary/length?campaign=summer' },
  });
  // As a browser: what a program follows is no click.
  const bare = await baselineFor(shortLink, { headers: { 'user-agent': 'Mozilla/5.0 Firefox/140.0' } });
  let received = 1; // by the baseline, which asked for an answer to copy
  let runs = 0;
  const follow = (url, share) => load({ ...FOLLOW, seconds: FOLLOW.seconds * share, url });
  const visit = async (share) => {
    const round = await follow(shortLink, share);
    await ingested(waypost); // what one round left must not slow the next
    received += round.requests;
    runs++;
    return round;
  };
  const rows = [
    { what: 'follow a link', server: 'node:http', ...(await median((share) => follow(bare, share), 302)) },
    { what: 'follow a link', server: 'Waypost', ...(await median(visit, 302)) },
  ];
  return { rows, clicks: await clicksOf(id, received, runs) };
}

/** The median round by throughput, after one that does not count. */
async function median(round, status) {
  await round(WARM_UP);
  const rounds = [];
  for (let n = 0; n < ROUNDS; n++) rounds.push(await round(1));
  for (const measured of rounds) mustAll(status, measured);
  return medianBy(rounds, 'perSecond');
}

/** A bare server that answers as Waypost answers this request. */
async function baselineFor(url, request) {
  const answer = await fetch(url, { ...request, redirect: 'manual' });
  const body = await answer.text();
  const headers = ownHeaders(Object.fromEntries(answer.headers));
  const file = fileURLToPath(new URL('./baseline.mjs', import.meta.url));
  const child = fork(file, [JSON.stringify({ status: answer.status, headers, body })], { execPath: node });
  baselines.push(child);
  const [port] = await once(child, 'message');
  return `http://127.0.0.1:${port}/`;
}

/** Counts the link's clicks in three places. Every redirect that was answered must be there, once. */
async function clicksOf(id, received, runs) {
  await ingested(waypost);
  const key = waypost.apiKey;
  const [answered] = await counters(waypost, 'waypost_redirects_total');
  const [shed] = await counters(waypost, 'waypost_clicks_shed_total');
  const { clicks: ofLink } = await ask(`${waypost.apiUrl}/v1/links/${id}`, { key });
  const { clicks: inAnalytics } = await ask(`${waypost.apiUrl}/v1/analytics?groupBy=count&linkId=${id}`, { key });
  console.log(
    `\nClicks: ${answered} redirects answered, ${received} of them received, ` +
      `${ofLink} clicks counted on the link, ${inAnalytics} in analytics, ${shed} shed`,
  );
  if (ofLink !== answered || inAnalytics !== answered) throw new Error('Clicks and redirects are not the same number');
  // A round ends by closing its connections, each of which may have had one answer under way.
  if (answered < received || answered > received + runs * FOLLOW.connections)
    throw new Error('Redirects were lost or made up');
  return { answered, received, ofLink, inAnalytics, shed };
}

function print(rows) {
  const columns = ['', 'server', 'per second', 'p50 ms', 'p95 ms', 'p99 ms', 'of node:http'];
  const lines = rows.map((row) => {
    const baseline = rows.find(({ what, server }) => what === row.what && server === 'node:http');
    const latencies = [row.p50, row.p95, row.p99].map((ms) => ms.toFixed(2));
    return [
      row.what,
      row.server,
      row.perSecond.toFixed(0),
      ...latencies,
      (row.perSecond / baseline.perSecond).toFixed(3),
    ];
  });
  console.log(`\nNode ${process.version}, ${availableParallelism()} cores, median of ${ROUNDS} rounds`);
  console.log(`create: ${CREATE.connections} connections, ${CREATE.amount} links a round`);
  console.log(`follow: ${FOLLOW.connections} connections, ${FOLLOW.seconds} s a round, one link, in memory`);
  printTable(columns, lines);
}
