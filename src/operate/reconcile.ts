import { join } from 'node:path';
import { Queue } from 'bullmq';
import { CLICKS_QUEUE, type ClicksJob } from '../clicks/clicks.jobs.js';
import { lookAtLedger } from '../clicks/ledger-look.reader.js';
import type { Account, Reconciliation } from '../clicks/reconciliation.js';
import { type Config, ConfigError } from '../platform/config/config.js';
import { settingsFromEnvironment } from '../platform/config/environment.js';
import { queueConnection, useQueueBackend } from '../platform/queue/connection.js';
import { Secrets } from '../platform/secrets/secrets.js';
import { operatorConfig } from '../roles/embedded/operator-config.js';
import { DONE } from './exit-codes.js';
import { say, sayJson } from './output.js';

const LONGEST_STATEMENT_MS = 15 * 60_000;

/** Whether each click that was accepted is stored, dropped, dead or in flight. @returns 1 if not, as it always did */
export async function reconcileCommand(options: { json?: true; days: string; spool: string[] }): Promise<number> {
  const days = Number(options.days);
  if (!Number.isInteger(days) || days < 1 || days > 13) throw new ConfigError('--days must be from 1 to 13');
  const config = await operatorConfig(settingsFromEnvironment('run'));
  const result = await look(config, [join(config.dataDir, 'spool'), ...options.spool], days);
  if (options.json) sayJson(result);
  else say(table(result));
  return result.drift.length > 0 ? 1 : DONE;
}

async function look(config: Config, folders: string[], days: number): Promise<Reconciliation> {
  useQueueBackend(config);
  const secrets = new Secrets(config.secretKey, config.previousSecretKeys);
  const queue = new Queue<ClicksJob>(CLICKS_QUEUE, { connection: queueConnection(config) });
  try {
    return await lookAtLedger({
      connectionString: config.databaseUrls.ingest,
      applicationName: 'waypost-reconcile',
      queue,
      secrets,
      folders,
      days,
      longestStatementMs: LONGEST_STATEMENT_MS,
    });
  } finally {
    await queue.close();
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
  ].join('\n');
}
