import type { OnApplicationShutdown } from '@nestjs/common';
import type { Client } from 'pg';
import type { DataSource, QueryRunner } from 'typeorm';
import type { Context, Tx } from '../context/context.js';
import { isUnavailable } from './database-errors.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * A literal SET LOCAL, not set_config(): on Citus only the former reaches the workers. Being literal, it takes
 * nothing but a UUID.
 */
function setTenant(tenantId: string): string {
  if (!UUID.test(tenantId)) throw new Error('A tenant id must be a UUID');
  return `SET LOCAL app.tenant_id = '${tenantId}'`;
}

/** The application's door to the database, as waypost_app: one tenant at a time, under row-level security. */
export class Transactions implements OnApplicationShutdown {
  /** @param replica where reads may go that can be a moment behind */
  constructor(
    private readonly primary: DataSource,
    private readonly replica: DataSource = primary,
  ) {}

  /**
   * Runs a use case in one transaction, in which row-level security lets it see the context's tenant alone. Joins the
   * request's transaction where one is open. Any error rolls everything back.
   */
  async run<T>(ctx: Context, work: (tx: Tx) => Promise<T>): Promise<T> {
    return ctx.tx ? work(ctx.tx) : this.runOn(this.primary, ctx, work);
  }

  /** The same for questions whose answer may be a moment old: they go to the replica, where there is one. */
  async read<T>(ctx: Context, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.runOn(this.replica, ctx, work);
  }

  private async runOn<T>(dataSource: DataSource, ctx: Context, work: (tx: Tx) => Promise<T>): Promise<T> {
    const runner = dataSource.createQueryRunner();
    try {
      await this.begin(runner, ctx);
      const result = await work({ tenantId: ctx.tenantId, manager: runner.manager });
      await runner.commitTransaction();
      return result;
    } catch (error) {
      await this.abandon(runner, error);
      throw error;
    } finally {
      await runner.release();
    }
  }

  /**
   * One question in one round trip: several statements sent at once are a transaction of their own. For what every
   * request asks; a transaction around it would cost two more round trips.
   *
   * @param sql a literal: nothing of the caller's may stand in it that is not checked or encoded
   */
  async ask<Row>(tenantId: string, sql: string): Promise<Row[]> {
    const runner = this.primary.createQueryRunner();
    try {
      const client = (await runner.connect()) as Client;
      const results = (await client.query(`${setTenant(tenantId)}; ${sql}`)) as unknown as Array<{ rows: Row[] }>;
      return results[1]?.rows ?? [];
    } catch (error) {
      await this.abandon(runner, error);
      throw error;
    } finally {
      await runner.release();
    }
  }

  /** Works as another tenant within the open transaction: how operators create a tenant and its first rows. */
  async asTenant<T>(tx: Tx, tenantId: string, work: (tx: Tx) => Promise<T>): Promise<T> {
    await tx.manager.query(setTenant(tenantId));
    const result = await work({ tenantId, manager: tx.manager });
    await tx.manager.query(setTenant(tx.tenantId));
    return result;
  }

  /** BEGIN and the settings travel in one round trip: 0.49 ms against 0.67 ms for an indexed read in four. */
  private async begin(runner: QueryRunner, ctx: Context): Promise<void> {
    const settings = [setTenant(ctx.tenantId), ...(ctx.platform ? [`SET LOCAL app.platform = 'on'`] : [])];
    await runner.query(['BEGIN', ...settings].join('; '));
    // What startTransaction() would have noted; TypeORM refuses row locks and commits without it.
    Object.assign(runner, { isTransactionActive: true, transactionDepth: 1 });
  }

  private async abandon(runner: QueryRunner, error: unknown): Promise<void> {
    // A statement past its deadline may still be running: a connection in that state goes back to no pool.
    if (isUnavailable(error) && !runner.isReleased) return void ((await runner.connect()) as Client).end();
    if (runner.isTransactionActive) await runner.rollbackTransaction();
  }

  /** @throws when the database does not answer */
  async ping(): Promise<void> {
    await this.primary.query('SELECT 1');
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([...new Set([this.primary, this.replica])].map((dataSource) => dataSource.destroy()));
  }
}
