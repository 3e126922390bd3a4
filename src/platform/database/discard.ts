import type { Client } from 'pg';
import type { QueryRunner } from 'typeorm';
import { isUnavailable } from './database-errors.js';

/** Ends the connection, whatever state it is in: the server then rolls back by itself. */
export async function discard(runner: QueryRunner): Promise<void> {
  // TypeORM has let go of one that broke.
  if (!runner.isReleased) void ((await runner.connect()) as Client).end();
}

/** Leaves a connection on which something went wrong so that it can be used again, or ends it. */
export async function abandon(runner: QueryRunner, error: unknown): Promise<void> {
  // A statement past its deadline may still be running: a connection in that state goes back to no pool.
  if (isUnavailable(error)) return discard(runner);
  if (!runner.isTransactionActive) return;
  // What went wrong first is what the caller should hear of.
  await runner.rollbackTransaction().catch(() => discard(runner));
}
