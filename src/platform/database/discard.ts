import type { Client } from 'pg';
import type { QueryRunner } from 'typeorm';

/** Ends the connection, whatever state it is in: the server then rolls back by itself. */
export async function discard(runner: QueryRunner): Promise<void> {
  // TypeORM has let go of one that broke.
  if (!runner.isReleased) void ((await runner.connect()) as Client).end();
}
