import type { OnApplicationShutdown } from '@nestjs/common';
import type pg from 'pg';
import type { Logger } from '../telemetry/logger.js';
import { ResolverPool } from './resolver-pool.js';

const POOL_SIZE = 8;
/** To a primary beside a replica, where only what was just changed is asked for. */
const BESIDE_REPLICA = 4;

/**
 * The redirect role's database: it reads two narrow views and the counters of links, with prepared statements. Where there
 * is a replica it answers all but what a replica that lags behind may not know yet.
 */
export class ResolverDatabase implements OnApplicationShutdown {
  private readonly primary: ResolverPool;
  private readonly replica: ResolverPool | undefined;

  constructor(urls: { primary: string; replica?: string | undefined }, logger: Logger) {
    this.primary = new ResolverPool(urls.primary, 'primary', urls.replica ? BESIDE_REPLICA : POOL_SIZE, logger);
    this.replica = urls.replica ? new ResolverPool(urls.replica, 'replica', POOL_SIZE, logger) : undefined;
  }

  /** @throws when the database does not answer in time, or did not lately */
  query<Row extends pg.QueryResultRow>(name: string, text: string, values: unknown[]): Promise<Row[]> {
    return (this.replica ?? this.primary).query<Row>(name, text, values);
  }

  /**
   * Asks the primary.
   *
   * @returns `current: false` with what the replica says, when the primary did not answer
   * @throws when neither does
   */
  async queryCurrent<Row extends pg.QueryResultRow>(
    name: string,
    text: string,
    values: unknown[],
  ): Promise<{ rows: Row[]; current: boolean }> {
    try {
      return { rows: await this.primary.query<Row>(name, text, values), current: true };
    } catch (error) {
      if (!this.replica) throw error;
      return { rows: await this.replica.query<Row>(name, text, values), current: false };
    }
  }

  /** Opens the connections, so that no visitor waits for that. Without a database it is left at the attempt. */
  async warmUp(): Promise<void> {
    await Promise.all([this.primary.warmUp(), this.replica?.warmUp()]);
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.primary.close(), this.replica?.close()]);
  }
}
