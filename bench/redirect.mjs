import { execFileSync } from 'node:child_process';
import { takeOtherCore } from './servers.mjs';
import { measureHits, measureTwoProcesses } from './redirect-hits.mjs';
import { measureMemory, measureMisses } from './redirect-misses.mjs';
import { keep } from './report.mjs';
import { prepareDatabase, startVisitors } from './stage.mjs';
import { node } from './waypost.mjs';

// What a redirect costs: from memory beside a bare node:http server, from the database with few links and with many,
// and the memory that a link takes. `--quick` loads a tenth of the links.

const FEW = 10_000;
const MANY = process.argv[2] === '--quick' ? 100_000 : 1_000_000;

const placement = takeOtherCore();
const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
console.log(`Node ${version}, ${placement}`);

/** Whatever is started says here how it is ended: the last comes first, however the benchmark ends. */
const endings = [];
const atEnd = (ending) => void endings.push(ending);
async function end() {
  while (endings.length > 0) await endings.pop()();
}
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void end().finally(() => process.exit(1)));

try {
  const visitors = startVisitors();
  atEnd(visitors.stop);
  const database = await prepareDatabase({ few: FEW, many: MANY, atEnd });
  const run = async (starting) => {
    const server = await starting;
    atEnd(server.stop);
    return server;
  };
  const stage = { ...database, visitors, run };
  console.log('Measured is a process with APP_ROLE=redirect; clicks are recorded and sent to the queue.');
  console.log(
    'Beside it run PostgreSQL, which keeps the links and takes the clicks, and a worker that carries changes.',
  );
  console.log('The clicks wait in their queue: storing them is what bench:ingest measures. No API runs.');
  const hits = await measureHits(stage);
  const misses = await measureMisses(stage);
  const memory = await measureMemory(stage);
  const twoProcesses = await measureTwoProcesses(stage);
  await keep('redirect', { version, placement, FEW, MANY, hits, misses, memory, twoProcesses });
} finally {
  await end();
}
