import { keyOf } from './keys.mjs';
import { medianBy, mustAll, mustNearlyAll, printTable } from './report.mjs';
import { answerOf, cpuMs, nginx, settled, startBare, startNginx, startRedirect } from './servers.mjs';
import { counters } from './waypost.mjs';

const CONNECTIONS = 64;
/** One after the other: how V8 compiles and lays out a process decides over a tenth of its speed, for as long as it lives. */
const PROCESSES = 3;
/** Of each process. */
const ROUNDS = 3;
const SECONDS = 3;
const WARM_UP_SECONDS = 2;
const ZIPF = 1.0;
const DRAWS = 100_000;
const SEED = 1;
const WORKERS = 2;
/** Each process has a memory of its own, and it is chance which of them a visit comes to: after these, few are left cold. */
const WARM_UP_PASSES = 4 * WORKERS;
const TARGET = { ratio: 0.8, p99: 1.5 };
/** A bare server that has less than this of its core was kept from it by other work, or by visitors that were too slow. */
const UNDISTURBED = 0.9;

const draws = ({ links }) => ['byZipf', links, DRAWS, ZIPF, SEED];

/** Links that are in memory, in turn with servers that need no memory for the same answer. */
export async function measureHits(stage) {
  const rounds = new Map();
  const clicks = { redirects: 0, accepted: 0, shed: 0 };
  for (let process = 0; process < PROCESSES; process++) {
    const counted = await measureOne(stage, (server, round) =>
      rounds.set(server, [...(rounds.get(server) ?? []), round]),
    );
    for (const name of Object.keys(clicks)) clicks[name] += counted[name];
  }
  const rows = [...rounds].map(([server, all]) => ({ server, ...medians(all) }));
  print(rows, stage.few);
  console.log(
    `Clicks: ${clicks.redirects} links followed, ${clicks.accepted} clicks kept for the queue, ${clicks.shed} shed`,
  );
  return { CONNECTIONS, PROCESSES, ROUNDS, SECONDS, ZIPF, DRAWS, SEED, TARGET, rows, clicks };
}

/** A process of each. @returns what the one of Waypost says of its clicks */
async function measureOne({ few, visitors, run, env, home }, note) {
  const waypost = await run(startRedirect({ env, home }));
  await warm(visitors, waypost, few);
  const answer = await answerOf({ port: waypost.port, host: few.host, path: `/${keyOf(1)}` });
  const contenders = [
    ['node:http', await run(startBare(answer))],
    ...(nginx ? [['nginx', await run(startNginx(answer))]] : []),
    ['Waypost', waypost],
  ];
  await visitors.first(async () => {
    for (let n = -1; n < ROUNDS; n++) {
      for (const [name, server] of contenders) {
        const round = await follow(visitors, server, few, n < 0 ? WARM_UP_SECONDS : SECONDS);
        if (n >= 0) note(name, round);
      }
    }
  });
  const clicks = await clicksOf(waypost);
  for (const [, server] of contenders) await server.stop();
  return clicks;
}

/** Each link once, so that it is in memory; then for long enough that the code is compiled. */
async function warm(visitors, server, { host, links }) {
  const keys = ['eachOnce', links, 0, links];
  mustAll(302, await visitors.visit({ port: server.port, host, keys, connections: CONNECTIONS, amount: links }));
}

async function follow(visitors, server, links, seconds) {
  const { child } = server;
  const tells = child.spawnargs.some((argument) => argument.endsWith('probe.mjs'));
  const before = tells ? await cpuMs(server) : 0;
  const { port } = server;
  const round = await visitors.visit({ port, host: links.host, keys: draws(links), connections: CONNECTIONS, seconds });
  const used = tells ? (await cpuMs(server)) - before : undefined;
  mustAll(302, round);
  if (!tells) return round;
  await settled(server); // what a round left behind must not slow the next
  return {
    ...round,
    cpuMicros: (used * 1000) / round.requests,
    busy: used / ((round.requests / round.perSecond) * 1000),
  };
}

function medians(rounds) {
  const of = (figure) => medianBy(rounds, figure)[figure];
  const figures = ['perSecond', 'p50', 'p99', 'cpuMicros', 'busy', 'visitorsBusy'];
  return { ...Object.fromEntries(figures.map((figure) => [figure, of(figure)])), rounds };
}

async function clicksOf(server) {
  await settled(server);
  const names = ['waypost_redirects_total', 'waypost_clicks_accepted_total', 'waypost_clicks_shed_total'];
  const [redirects, accepted, shed] = await counters(server, ...names);
  return { redirects, accepted, shed };
}

function print(rows, { links }) {
  const [bare] = rows;
  const figure = (value, digits) => (value === undefined ? '' : value.toFixed(digits));
  console.log(
    `\nFrom memory: ${CONNECTIONS} connections, ${links} links by Zipf (s = ${ZIPF}), medians of ${PROCESSES * ROUNDS} rounds of ${SECONDS} s in turn`,
  );
  printTable(
    [
      'server',
      'per second',
      'of bare',
      'p50 ms',
      'p99 ms',
      'of bare',
      'CPU µs',
      'of bare',
      'core busy',
      'visitors busy',
    ],
    rows.map((row) => [
      row.server,
      figure(row.perSecond, 0),
      figure(row.perSecond / bare.perSecond, 3),
      figure(row.p50, 2),
      figure(row.p99, 2),
      figure(row.p99 / bare.p99, 2),
      figure(row.cpuMicros, 1),
      figure(row.cpuMicros && row.cpuMicros / bare.cpuMicros, 2),
      figure(row.busy, 2),
      figure(row.visitorsBusy, 2),
    ]),
  );
  if (bare.busy < UNDISTURBED) {
    console.log(
      `Other work had the cores: node:http came to ${bare.busy.toFixed(2)} of its own. Only CPU a redirect compares.`,
    );
  }
  const { perSecond, p99 } = rows.at(-1);
  const met = perSecond >= TARGET.ratio * bare.perSecond && p99 <= TARGET.p99 * bare.p99;
  console.log(`Wanted: at least ${TARGET.ratio} of bare, p99 at most ${TARGET.p99} times: ${met ? 'met' : 'missed'}`);
}

/** What a second process adds. The visitors need a core too, so that this says something from three cores up. */
export async function measureTwoProcesses({ few, visitors, run, env, home }) {
  const perSecond = {};
  for (const workers of [1, WORKERS]) {
    const server = await run(startRedirect({ env, home, workers }));
    const round = { port: server.port, host: few.host, keys: draws(few), connections: CONNECTIONS };
    const all = { ...round, keys: ['eachOnce', few.links, 0, few.links], amount: few.links };
    // What the database could not answer in time is warm after the next pass.
    for (let n = 0; n < WARM_UP_PASSES; n++) await visitors.visit(all);
    mustNearlyAll(await visitors.visit({ ...round, seconds: WARM_UP_SECONDS }));
    await settled(server);
    const rounds = [];
    for (let n = 0; n < ROUNDS; n++) rounds.push(await visitors.visit({ ...round, seconds: SECONDS }));
    // Some links may still be cold in one of the processes.
    rounds.forEach(mustNearlyAll);
    perSecond[workers] = medianBy(rounds, 'perSecond').perSecond;
    await server.stop();
  }
  const ratio = perSecond[WORKERS] / perSecond[1];
  console.log('\nOn all cores, which the visitors share:');
  printTable(
    ['processes', 'per second', 'of one'],
    [1, WORKERS].map((n) => [n, perSecond[n].toFixed(0), (perSecond[n] / perSecond[1]).toFixed(2)]),
  );
  return { perSecond, ratio };
}
