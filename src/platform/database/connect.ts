import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { DataSource } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import type { Logger } from '../telemetry/logger.js';
import { isUnavailable } from './database-errors.js';
import { GatheringClient } from './gathering-client.js';
import { poolOptions } from './pool-options.js';
import { watchPool } from './watch-pool.js';

const ATTEMPTS = 15;
const PAUSE_MS = 2_000;

/** A statement is sent when it is made, also while the answer to another is on its way. */
const PIPELINED: pg.PoolConfig = { pipeline: true, Client: GatheringClient };

interface Connection {
  url: string;
  applicationName: string;
  /** By which the metrics name it; none of a command, which has no metrics. */
  pool?: string;
  poolSize: number;
  /** Entity classes whose tables this connection's role may use. */
  entities: Array<new () => object>;
}

/** Opens a pool. A database that is still starting is waited for, half a minute at most. */
export async function connect(
  { url, applicationName, pool, poolSize, entities }: Connection,
  logger: Logger,
): Promise<DataSource> {
  const dataSource = new DataSource({
    type: 'postgres',
    url,
    entities,
    synchronize: false,
    logging: false,
    // An idle connection that breaks is replaced at its next use; it must not bring the process down.
    poolErrorHandler: (error: Error) => logger.warn({ reason: error.message }, 'A database connection broke'),
    extra: { ...poolOptions(applicationName, poolSize), ...PIPELINED },
  });
  for (let attempt = 1; ; attempt++) {
    try {
      await dataSource.initialize();
      if (pool) watchPool(pool, (dataSource.driver as PostgresDriver).master as pg.Pool);
      return dataSource;
    } catch (error) {
      if (attempt === ATTEMPTS || !isUnavailable(error)) throw error;
      logger.warn({ reason: String(error) }, 'Waiting for the database');
      await sleep(PAUSE_MS);
    }
  }
}
