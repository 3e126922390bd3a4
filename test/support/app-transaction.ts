import { DataSource } from 'typeorm';
import type { Tx } from '../../src/platform/context/context.js';
import { newId } from '../../src/platform/ids.js';
import { databaseUrl } from './database.js';

/** Runs `work` in a transaction of the application's role, as a tenant that has nothing; nothing of it stays. */
export async function appTransaction(work: (tx: Tx) => Promise<void>): Promise<void> {
  const app = await new DataSource({ type: 'postgres', url: await databaseUrl('waypost_app') }).initialize();
  const runner = app.createQueryRunner();
  try {
    await runner.startTransaction();
    await work({ tenantId: newId(), manager: runner.manager });
  } finally {
    await runner.rollbackTransaction();
    await app.destroy();
  }
}
