import { circuitBreaker, handleWhen, SamplingBreaker } from 'cockatiel';
import pg from 'pg';
import { watchBreaker } from '../resilience/watch-breaker.js';
import type { Logger } from '../telemetry/logger.js';
import { resolverQueries } from '../telemetry/metrics.js';
import { DISTRIBUTED } from './citus.js';
import { poolOptions } from './pool-options.js';
import { watchPool } from './watch-pool.js';

/** A visitor waits this long altogether, in ms: a burst of cold keys may queue for a while, a statement takes none. */
const DEADLINE = { connection: 400, statement: 250, altogether: 450 };
/** When half of what was asked in two seconds failed, the database is left alone for one, and visitors wait for nothing. */
const BREAKS_AT = { threshold: 0.5, duration: 2_000, minimumRps: 5 };
const REST_MS = 1_000;
/** What a burst of cold keys meets in the queue for a connection: the database is busy, not away. */
const QUEUED_TOO_LONG = 'timeout exceeded when trying to connect';

/**
 * To plan a statement for one tenant takes longer than to carry it out. What is planned once, perhaps before there are any
 * links, must suit a million, too: by an index, in its order. (Behind PgBouncer some connections may go without.) Citus
 * plans for a tenant, or not at all.
 */
const PLANNED_ONCE = `
  SELECT set_config('plan_cache_mode',
    CASE WHEN ${DISTRIBUTED} THEN 'auto' ELSE 'force_generic_plan' END, false);
  SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off`;

/** Connections to one server, as waypost_resolver. */
export class ResolverPool {
  private readonly pool: pg.Pool;
  private readonly breaker = circuitBreaker(
    handleWhen((error) => !(error instanceof Error && error.message === QUEUED_TOO_LONG)),
    { halfOpenAfter: REST_MS, breaker: new SamplingBreaker(BREAKS_AT) },
  );

  constructor(
    url: string,
    private readonly server: 'primary' | 'replica',
    private readonly size: number,
    logger: Logger,
  ) {
    const options = poolOptions('waypost-resolver', size);
    this.pool = new pg.Pool({
      ...options,
      async onConnect(client) {
        await options.onConnect?.(client);
        await client.query(PLANNED_ONCE);
      },
      connectionString: url,
      connectionTimeoutMillis: DEADLINE.connection,
      query_timeout: DEADLINE.statement,
    });
    this.pool.on('error', (error) => logger.warn({ server, reason: error.message }, 'A database connection broke'));
    watchPool(`resolver_${server}`, this.pool);
    watchBreaker(`resolver_${server}`, this.breaker);
    this.breaker.onBreak(() => logger.warn({ server }, 'Links are looked up without the database: it does not answer'));
    this.breaker.onReset(() => logger.info({ server }, 'The database answers again'));
  }

  /** @throws when the database does not answer in time, or did not lately */
  async query<Row extends pg.QueryResultRow>(name: string, text: string, values: unknown[]): Promise<Row[]> {
    const { rows } = await this.breaker.execute(() => {
      resolverQueries.inc({ statement: name, server: this.server });
      return this.inTime(this.pool.query<Row>({ name, text, values }));
    });
    return rows;
  }

  /** Opens the pool's connections, so that no visitor waits for that. Without a database it is left at the attempt. */
  async warmUp(): Promise<void> {
    const opened = await Promise.allSettled(Array.from({ length: this.size }, () => this.pool.connect()));
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

  async close(): Promise<void> {
    await this.pool.end();
  }
}
