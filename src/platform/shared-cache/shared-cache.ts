import type { OnApplicationShutdown } from '@nestjs/common';
import {
  circuitBreaker,
  ConsecutiveBreaker,
  handleWhen,
  isBrokenCircuitError,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel';
import { type Cluster, type ClusterOptions, type Redis, type RedisOptions, ReplyError } from 'ioredis';
import { openRedis } from '../redis/open-redis.js';
import { parseRedisUrl } from '../redis/redis-url.js';
import { watchBreaker } from '../resilience/watch-breaker.js';
import type { Logger } from '../telemetry/logger.js';
import { sharedCacheErrors } from '../telemetry/metrics.js';

/** In ms. Redis answers in less than one; a visitor waits for it no longer than for the database behind it. */
const DEADLINE_MS = 40;
/** After so many failures in a row Redis is left alone for a second, and nobody waits at all. */
const BREAKS_AFTER = 5;
const REST_MS = 1_000;
const RECONNECT = { least: 50, most: 1_000 };
/** A server from which nothing comes for this long, in ms, is given up: it may have come back at another address. */
const SILENCE_MS = 5_000;
/** Redis away for an hour is no reason for an hour of lines. */
const LOG_EVERY_MS = 30_000;

const retryStrategy = (attempt: number): number => Math.min(RECONNECT.least * attempt, RECONNECT.most);

const NOW_OR_NEVER: RedisOptions = {
  connectionName: 'waypost-shared-cache',
  // What can not be sent now is not sent later: a change must not be followed by what was true before.
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  connectTimeout: RECONNECT.most,
  socketTimeout: SILENCE_MS,
  retryStrategy,
};

/** The same of a Cluster, whose keys may have to carry the name of the deployment. */
function onCluster(url: string): ClusterOptions {
  const servers = parseRedisUrl(url);
  return {
    ...(servers.kind === 'cluster' && servers.name !== undefined && { keyPrefix: `${servers.name}:` }),
    enableOfflineQueue: false,
    clusterRetryStrategy: retryStrategy,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
  };
}

/** In one step: a counter that is made and never ends would count for ever. */
const COUNT = `
  local hits = redis.call('INCR', KEYS[1])
  local left = redis.call('PTTL', KEYS[1])
  if left < 0 then
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
    left = tonumber(ARGV[1])
  end
  return {hits, left}`;

/**
 * Text by key that all processes share for a while: in Redis, and nowhere without one. Nothing depends on it. Whatever
 * ails Redis, an operation ends within its deadline, and the caller does without.
 */
export class SharedCache implements OnApplicationShutdown {
  private readonly redis: Redis | Cluster | undefined;
  private readonly breaker = circuitBreaker(
    // A server that refuses answers all the same: when it is full, it can still be read.
    handleWhen((error) => !(error instanceof ReplyError)),
    { halfOpenAfter: REST_MS, breaker: new ConsecutiveBreaker(BREAKS_AFTER) },
  );
  private readonly inTime = wrap(this.breaker, timeout(DEADLINE_MS, TimeoutStrategy.Aggressive));
  private loggedAt = -Infinity;

  constructor(
    url: string | undefined,
    private readonly logger: Logger,
  ) {
    if (url === undefined) return;
    watchBreaker('shared_cache', this.breaker);
    this.redis = openRedis(url, NOW_OR_NEVER, onCluster(url));
    this.redis.on('error', (error: Error) => this.complain(error));
  }

  get exists(): boolean {
    return this.redis !== undefined;
  }

  /** @throws when Redis did not answer in time, or did not lately */
  async get(key: string): Promise<string | undefined> {
    return (await this.run('get', (redis) => redis.get(key))) ?? undefined;
  }

  /** Nobody waits for this, nor learns of its failure. @param lifetime in ms */
  put(key: string, text: string, lifetime: number): void {
    // Its failure is logged and counted where it happens.
    this.run('put', (redis) => redis.set(key, text, 'PX', lifetime)).catch(() => undefined);
  }

  /** Like `put`. What was put before by this process is gone too: one connection keeps the order. */
  remove(key: string): void {
    this.run('remove', (redis) => redis.del(key)).catch(() => undefined);
  }

  /**
   * Counts something that happens under this key, from the first time on for `window`, in ms.
   *
   * @returns how often it has happened, and the ms until it counts anew; undefined without Redis
   * @throws when Redis did not answer in time, or did not lately
   */
  async count(key: string, window: number): Promise<{ hits: number; left: number } | undefined> {
    const counted = await this.run('count', (redis) => redis.eval(COUNT, 1, key, window));
    if (counted === undefined) return undefined;
    const [hits, left] = counted as [number, number];
    return { hits, left };
  }

  onApplicationShutdown(): void {
    this.redis?.disconnect();
  }

  private async run<T>(operation: string, command: (redis: Redis | Cluster) => Promise<T>): Promise<T | undefined> {
    const { redis } = this;
    if (!redis) return undefined;
    try {
      return await this.inTime.execute(() => command(redis));
    } catch (error) {
      sharedCacheErrors.inc({ operation });
      if (!isBrokenCircuitError(error)) this.complain(error);
      throw error;
    }
  }

  private complain(error: unknown): void {
    if (performance.now() - this.loggedAt < LOG_EVERY_MS) return;
    this.loggedAt = performance.now();
    this.logger.warn({ reason: String(error) }, 'Redis does not serve the shared cache: it is done without');
  }
}
