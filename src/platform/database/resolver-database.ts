import type { OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import type { Logger } from '../telemetry/logger.js';
import { poolOptions } from './pool-options.js';

const POOL_SIZE = 4;
/** A visitor waits for this, in ms. */
const DEADLINE = 1_000;

/** The redirect role's connections, as waypost_resolver: it reads two narrow views, with prepared statements. */
export class ResolverDatabase implements OnApplicationShutdown {
  private readonly pool: pg.Pool;

  constructor(url: string, logger: Logger) {
    this.pool = new pg.Pool({
      ...poolOptions('waypost-resolver', POOL_SIZE),
      connectionString: url,
      connectionTimeoutMillis: DEADLINE,
      query_timeout: DEADLINE,
    });
    this.pool.on('error', (error) => logger.warn({ reason: error.message }, 'A database connection broke'));
  }

  async query<Row extends pg.QueryResultRow>(name: string, text: string, values: unknown[]): Promise<Row[]> {
    const { rows } = await this.pool.query<Row>({ name, text, values });
    return rows;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}
