import { medianBy, mustAll, mustNearlyAll, printTable, refusedOf } from './report.mjs';
import { memoryOf, settled, startRedirect } from './servers.mjs';

const CONNECTIONS = 64;
const ROUNDS = 3;
/** ROUNDS of each fit into the few links: in one process, a link is asked for once. */
const SATURATION = { amount: 3_000 };
const PACED = { amount: 3_300, rate: 500 };
/** One after the other, each with an empty memory: p99 of so few requests moves by half from round to round. */
const PROCESSES = 4;
/** Links of the many that no round asks for. */
const WARM_UP = 10_000;
const TARGET = { slower: 1.3, pacedP99: 10 };
const STEPS = [0, 25_000, 50_000, 100_000, 150_000, 200_000, 250_000, 300_000, 400_000, 600_000, 800_000, 1_000_000];
const MEMORY_SECONDS = 240;
/** In MB: more than a million links take, so that all of them are remembered. */
const CACHE = '1200';
const MB = 2 ** 20;

/** Links that are not in memory, each once, of a small table and of a large one in turn. */
export async function measureMisses(stage) {
  const saturated = await inTurn(stage, SATURATION);
  const paced = await inTurn(stage, PACED);
  const measured = [
    ['at saturation', saturated],
    [`${PACED.rate} a second`, paced],
  ];
  console.log(
    `\nFrom the database: ${CONNECTIONS} connections, each link once, medians of ${PROCESSES * ROUNDS} rounds in turn`,
  );
  printTable(
    ['', 'links', 'per second', 'p50 ms', 'of few', 'p99 ms', 'of few'],
    measured.flatMap(([what, [few, many]]) =>
      [few, many].map((row) => [
        what,
        row.links,
        row.perSecond.toFixed(0),
        row.p50.toFixed(2),
        (row.p50 / few.p50).toFixed(2),
        row.p99.toFixed(2),
        (row.p99 / few.p99).toFixed(2),
      ]),
    ),
  );
  const [few, many] = paced;
  const met = many.p99 <= TARGET.pacedP99 && many.p50 <= TARGET.slower * few.p50 && many.p99 <= TARGET.slower * few.p99;
  console.log(
    `Wanted at ${PACED.rate} a second: p99 at most ${TARGET.pacedP99} ms, many at most ${TARGET.slower} times as slow as few: ${met ? 'met' : 'missed'}`,
  );
  return { CONNECTIONS, PROCESSES, ROUNDS, SATURATION, PACED, TARGET, saturated, paced };
}

/** @returns the medians with few links and with many */
async function inTurn(stage, pace) {
  const rounds = [stage.few, stage.many].map(({ links }) => ({ links, rounds: [] }));
  for (let process = 0; process < PROCESSES; process++) await askOne(stage, pace, rounds);
  return rounds.map(({ links, rounds: all }) => {
    const of = (figure) => medianBy(all, figure)[figure];
    return { links, perSecond: of('perSecond'), p50: of('p50'), p99: of('p99'), rounds: all };
  });
}

async function askOne({ few, many, visitors, run, env, home }, pace, rounds) {
  const server = await run(startRedirect({ env, home }));
  const ask = async ({ host, links }, from, amount, rest = {}) => {
    const keys = ['eachOnce', links, from, amount];
    const { port } = server;
    const round = await visitors.visit({ port, host, keys, connections: CONNECTIONS, amount, ...rest });
    mustAll(302, round);
    return round;
  };
  await ask(many, many.links - WARM_UP, WARM_UP); // not of what is measured: it must not be in memory
  for (let n = 0; n < ROUNDS; n++) {
    for (const [at, links] of [few, many].entries()) {
      await settled(server);
      rounds[at].rounds.push(await ask(links, n * pace.amount, pace.amount, pace));
    }
  }
  await server.stop();
}

/** One process is made to remember more and more links, until it has seen all or the time is over. */
export async function measureMemory({ many: { host, links }, visitors, run, env, home }) {
  const server = await run(startRedirect({ env: { ...env, REDIRECT_CACHE_MB: CACHE }, home }));
  const steps = [];
  const start = performance.now();
  for (const seen of STEPS.filter((step) => step <= links)) {
    const { seen: from = 0, perSecond = Infinity } = steps.at(-1) ?? {};
    if (performance.now() - start + ((seen - from) / perSecond) * 1000 > MEMORY_SECONDS * 1000) break;
    let round;
    if (seen > from) {
      const keys = ['eachOnce', links, from, seen - from];
      round = await visitors.visit({ port: server.port, host, keys, connections: CONNECTIONS, amount: seen - from });
      mustNearlyAll(round);
    }
    await settled(server);
    const { rss, heapUsed, external } = await memoryOf(server);
    const refused = round && refusedOf(round);
    steps.push({ seen, perSecond: round?.perSecond, p99: round?.p99, refused, rss, held: heapUsed + external });
  }
  await server.stop();
  return reported(steps, links);
}

function reported(steps, links) {
  const [empty] = steps;
  console.log(`\nIn memory: one process that is asked for more and more of ${links} links, each once`);
  printTable(
    ['links seen', 'per second', 'p99 ms', 'refused', 'RSS MB', 'heap MB', 'heap bytes a link seen'],
    steps.map(({ seen, perSecond, p99, refused, rss, held }) => [
      seen,
      perSecond?.toFixed(0) ?? '',
      p99?.toFixed(2) ?? '',
      refused ?? '',
      (rss / MB).toFixed(0),
      (held / MB).toFixed(1),
      seen === 0 ? '' : ((held - empty.held) / seen).toFixed(0),
    ]),
  );
  const last = steps.at(-1);
  // Not from the start: the first links would be charged with compiled code and buffers.
  const [before, after] = [steps[1], steps[2]];
  const bytesALink = before && after ? (after.held - before.held) / (after.seen - before.seen) : undefined;
  const full = after && (last.held - empty.held) / last.seen < bytesALink / 2;
  console.log(
    `A cached link takes ${bytesALink?.toFixed(0)} bytes of heap (from ${before?.seen} to ${after?.seen} links). ` +
      `After ${last.seen} links the process has ${(last.rss / MB).toFixed(0)} MB` +
      (full ? `, its memory for links being full.` : '.') +
      (last.seen < links ? ` The other links were not asked for: time was over.` : ''),
  );
  return { bytesALink, steps };
}
