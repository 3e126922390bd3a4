import { setTimeout as sleep } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import type { Logger } from '../telemetry/logger.js';
import { isUnavailable } from './database-errors.js';
import { poolOptions } from './pool-options.js';

const ATTEMPTS = 15;
const PAUSE_MS = 2_000;

interface Connection {
  url: string;
  applicationName: string;
  poolSize: number;
  /** Entity classes whose tables this connection's role may use. */
  entities: Array<new () => object>;
}

/** Opens a pool. A database that is still starting is waited for, half a minute at most. */
export async function connect(
  { url, applicationName, poolSize, entities }: Connection,
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
    extra: poolOptions(applicationName, poolSize),
  });
  for (let attempt = 1; ; attempt++) {
    try {
      return await dataSource.initialize();
    } catch (error) {
      if (attempt === ATTEMPTS || !isUnavailable(error)) throw error;
      logger.warn({ reason: String(error) }, 'Waiting for the database');
      await sleep(PAUSE_MS);
    }
  }
}
