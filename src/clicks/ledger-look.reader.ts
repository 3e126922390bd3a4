import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import pg from 'pg';
import { poolOptions } from '../platform/database/pool-options.js';
import type { Secrets } from '../platform/secrets/secrets.js';
import type { ClicksJob } from './clicks.jobs.js';
import { inQueue, inSpools } from './in-flight.reader.js';
import { readLedger } from './ledger.reader.js';
import { reconcile, type Reconciliation } from './reconciliation.js';

/** What does not add up is looked at once more: a redrive and its note, say, are two transactions. */
const LOOKS = 2;
const BETWEEN_MS = 3_000;
/** After the server should have ended a statement itself: then the peer has vanished. */
const GRACE_MS = 5_000;

interface Asked {
  /** Of the database, as waypost_ingest. */
  connectionString: string;
  applicationName: string;
  queue: Queue<ClicksJob>;
  secrets: Secrets;
  /** Of spools on this machine. */
  folders: string[];
  days: number;
  longestStatementMs: number;
}

/** Whether each click that was accepted is stored, dropped, dead or in flight. */
export async function lookAtLedger({ connectionString, applicationName, ...asked }: Asked): Promise<Reconciliation> {
  const { queue, secrets, folders, days, longestStatementMs } = asked;
  const client = new pg.Client({
    ...poolOptions(applicationName, 1),
    connectionString,
    query_timeout: longestStatementMs + GRACE_MS,
  });
  // One that breaks while nothing is asked of it would end the process. The next statement tells of it.
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query(`SET statement_timeout = ${longestStatementMs}`);
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
    await client.end();
  }
}
