import type { OnApplicationShutdown } from '@nestjs/common';
import type { DataSource, QueryRunner } from 'typeorm';
import { IS_CITUS } from './citus.js';
import { isUnavailable } from './database-errors.js';
import { discard } from './discard.js';

/** The worker's connections, as waypost_ingest: it writes the analytics of every tenant and finds upkeep to do. */
export class IngestDatabase implements OnApplicationShutdown {
  private distributed: boolean | undefined;

  constructor(private readonly dataSource: DataSource) {}

  /** Whether the server is a Citus coordinator: tables of tenants are on other nodes, in shards. */
  async isDistributed(): Promise<boolean> {
    this.distributed ??= (await this.query<{ citus: boolean }>(IS_CITUS))[0]?.citus === true;
    return this.distributed;
  }

  query<Row>(sql: string, parameters: unknown[] = []): Promise<Row[]> {
    return this.dataSource.query(sql, parameters);
  }

  /** Runs `work` in one transaction; any error rolls it back. */
  async transaction<T>(work: (runner: QueryRunner) => Promise<T>): Promise<T> {
    return this.dataSource.transaction((manager) => work(manager.queryRunner as QueryRunner));
  }

  /**
   * One transaction whose statements travel together, COMMIT among them: what it holds, it holds for no longer than the
   * database needs. Each statement sees what others had committed when it began, not when the transaction did. Any error
   * rolls it back.
   *
   * @returns the rows of the last
   */
  async transactionAtOnce<Row>(statements: Array<[sql: string, parameters: unknown[]]>): Promise<Row[]> {
    const runner = this.dataSource.createQueryRunner();
    try {
      await runner.connect();
      const all: typeof statements = [['BEGIN', []], ...statements, ['COMMIT', []]];
      const answers = await Promise.allSettled(all.map(([sql, parameters]) => runner.query(sql, parameters)));
      for (const answer of answers) if (answer.status === 'rejected') throw answer.reason;
      return (answers.at(-2) as PromiseFulfilledResult<Row[]>).value;
    } catch (error) {
      // A statement past its deadline may still be running: a connection in that state goes back to no pool.
      if (isUnavailable(error)) await discard(runner);
      else await runner.query('ROLLBACK').catch(() => discard(runner));
      throw error;
    } finally {
      await runner.release();
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.dataSource.destroy();
  }
}
