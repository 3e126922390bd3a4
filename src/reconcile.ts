import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createPostgresBackend, Queue, setDefaultBackendFactory } from 'bullmq';
import pg from 'pg';
import { CLICKS_QUEUE, type ClicksJob } from './clicks/clicks.jobs.js';
import { inQueue, inSpools } from './clicks/in-flight.reader.js';
import { readLedger } from './clicks/ledger.reader.js';
import { type Account, reconcile, type Reconciliation } from './clicks/reconciliation.js';
import { type Config, ConfigError } from './platform/config/config.js';
import { settingsFromEnvironment } from './platform/config/environment.js';
import { queueConnection } from './platform/queue/connection.js';
import { Secrets } from './platform/secrets/secrets.js';
import { operatorConfig } from './roles/embedded/operator-config.js';

/** What does not add up is looked at once more: a redrive and its note, say, are two transactions. */
const LOOKS = 2;
const BETWEEN_MS = 3_000;
const LONGEST_STATEMENT = '15min';

/** `npm run reconcile`: whether each click that was accepted is stored, dropped, dead or in flight. Exits with 1 if not. */
try {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean', default: false },
      days: { type: 'string', default: '7' },
      spool: { type: 'string', multiple: true, default: [] },
    },
  });
  const days = Number(values.days);
  if (!Number.isInteger(days) || days < 1 || days > 13) throw new ConfigError('--days must be from 1 to 13');
  const config = await operatorConfig(settingsFromEnvironment('run'));
  const result = await look(config, [join(config.dataDir, 'spool'), ...values.spool], days);
  process.stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : table(result));
  process.exitCode = result.drift.length > 0 ? 1 : 0;
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.message : String(error)}\n`);
  // Not 1: that says that something does not add up.
  process.exitCode = 2;
}

async function look(config: Config, folders: string[], days: number): Promise<Reconciliation> {
  setDefaultBackendFactory(config.redisUrl ? undefined : createPostgresBackend);
  const secrets = new Secrets(config.secretKey);
  const queue = new Queue<ClicksJob>(CLICKS_QUEUE, { connection: queueConnection(config) });
  const client = new pg.Client({ connectionString: config.databaseUrls.ingest, application_name: 'waypost-reconcile' });
  try {
    await client.connect();
    await client.query(`SET statement_timeout = '${LONGEST_STATEMENT}'`);
    for (let left = LOOKS - 1; ; left--) {
      // In the order in which clicks travel: one that moves on meanwhile is met again.
      const spooled = (await Promise.all(folders.map((folder) => inSpools(folder, secrets)))).flat();
      const seen = [...spooled, ...(await inQueue(queue, secrets))];
      const facts = await readLedger(
        client,
        seen.map(({ segment }) => segment),
        days,
      );
      const result = reconcile(seen, facts);
      if (result.drift.length === 0 || left === 0) return result;
      await sleep(BETWEEN_MS);
    }
  } finally {
    await Promise.all([client.end(), queue.close()]);
  }
}

function table({ spools, total, inSpools: spooled, inQueue: queued, unreadable, drift }: Reconciliation): string {
  const line = (name: string, { accepted, stored, dropped, dead, inFlight }: Account): string =>
    [name.padEnd(36), ...[accepted, stored, dropped, dead, inFlight].map((count) => String(count).padStart(12))].join(
      '',
    );
  const head = [
    'spool'.padEnd(36),
    ...['accepted', 'stored', 'dropped', 'dead', 'in flight'].map((t) => t.padStart(12)),
  ];
  return [
    head.join(''),
    ...Object.entries(spools).map(([spool, account]) => line(spool, account)),
    line('total', total),
    `In flight: ${spooled} in spools here, ${queued} in the queue`,
    ...(unreadable > 0 ? [`Segments that nobody can read: ${unreadable}`] : []),
    ...(drift.length > 0 ? ['Does not add up:', ...drift.map((one) => `  ${one}`)] : ['All adds up']),
    '',
  ].join('\n');
}
