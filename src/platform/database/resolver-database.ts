import type { OnApplicationShutdown } from '@nestjs/common';
import { circuitBreaker, ConsecutiveBreaker, handleAll } from 'cockatiel';
import pg from 'pg';
import type { Logger } from '../telemetry/logger.js';
import { poolOptions } from './pool-options.js';

const POOL_SIZE = 4;
/** A visitor waits for a connection and for an answer, each this long in ms. */
const DEADLINE = 250;
/** After so many failures in a row the database is left alone for a second, and visitors wait for nothing. */
const FAILURES = 5;
const REST_MS = 1_000;

/** The redirect role's connections, as waypost_resolver: it reads two narrow views, with prepared statements. */
export class ResolverDatabase implements OnApplicationShutdown {
  private readonly pool: pg.Pool;
  private readonly breaker = circuitBreaker(handleAll, {
    halfOpenAfter: REST_MS,
    breaker: new ConsecutiveBreaker(FAILURES),
  });

  constructor(url: string, logger: Logger) {
    this.pool = new pg.Pool({
      ...poolOptions('waypost-resolver', POOL_SIZE),
      connectionString: url,
      connectionTimeoutMillis: DEADLINE,
      query_timeout: DEADLINE,
    });
    this.pool.on('error', (error) => logger.warn({ reason: error.message }, 'A database connection broke'));
    this.breaker.onBreak(() => logger.warn('Links are served from memory alone: the database does not answer'));
    this.breaker.onReset(() => logger.info('The database answers again'));
  }

  /** @throws when the database does not answer in time, or did not lately */
  async query<Row extends pg.QueryResultRow>(name: string, text: string, values: unknown[]): Promise<Row[]> {
    const { rows } = await this.breaker.execute(() => this.pool.query<Row>({ name, text, values }));
    return rows;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}
