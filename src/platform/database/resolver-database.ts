import type { OnApplicationShutdown } from '@nestjs/common';
import { circuitBreaker, handleWhen, SamplingBreaker } from 'cockatiel';
import pg from 'pg';
import type { Logger } from '../telemetry/logger.js';
import { poolOptions } from './pool-options.js';

const POOL_SIZE = 8;
/** A visitor waits this long altogether, in ms: a burst of cold keys may queue for a while, a statement takes none. */
const DEADLINE = { connection: 400, statement: 250, altogether: 450 };
/** When half of what was asked in two seconds failed, the database is left alone for one, and visitors wait for nothing. */
const BREAKS_AT = { threshold: 0.5, duration: 2_000, minimumRps: 5 };
const REST_MS = 1_000;
/** What a burst of cold keys meets in the queue for a connection: the database is busy, not away. */
const QUEUED_TOO_LONG = 'timeout exceeded when trying to connect';

/** The redirect role's connections, as waypost_resolver: it reads two narrow views, with prepared statements. */
export class ResolverDatabase implements OnApplicationShutdown {
  private readonly pool: pg.Pool;
  private readonly breaker = circuitBreaker(
    handleWhen((error) => !(error instanceof Error && error.message === QUEUED_TOO_LONG)),
    { halfOpenAfter: REST_MS, breaker: new SamplingBreaker(BREAKS_AT) },
  );

  constructor(url: string, logger: Logger) {
    this.pool = new pg.Pool({
      ...poolOptions('waypost-resolver', POOL_SIZE),
      connectionString: url,
      connectionTimeoutMillis: DEADLINE.connection,
      query_timeout: DEADLINE.statement,
    });
    this.pool.on('error', (error) => logger.warn({ reason: error.message }, 'A database connection broke'));
    this.breaker.onBreak(() => logger.warn('Links are served from memory alone: the database does not answer'));
    this.breaker.onReset(() => logger.info('The database answers again'));
  }

  /** @throws when the database does not answer in time, or did not lately */
  async query<Row extends pg.QueryResultRow>(name: string, text: string, values: unknown[]): Promise<Row[]> {
    const { rows } = await this.breaker.execute(() => this.inTime(this.pool.query<Row>({ name, text, values })));
    return rows;
  }

  /** Opens the pool's connections, so that no visitor waits for that. Without a database it is left at the attempt. */
  async warmUp(): Promise<void> {
    const opened = await Promise.allSettled(Array.from({ length: POOL_SIZE }, () => this.pool.connect()));
    for (const result of opened) if (result.status === 'fulfilled') result.value.release();
  }

  private async inTime<T>(answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('Query read timeout')), DEADLINE.altogether);
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.pool.end();
  }
}
