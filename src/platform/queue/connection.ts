import {
  type ConnectionOptions,
  createIORedisClient,
  createPostgresBackend,
  createPostgresRelayBackend,
  createRedisBackend,
  RedisConnection,
  type RelayOptions,
  setDefaultBackendFactory,
} from 'bullmq';
import type { ClusterOptions } from 'ioredis';
import type { Config } from '../config/config.js';
import { poolOptions } from '../database/pool-options.js';
import { QUEUE_SCHEMA } from '../database/migrate.js';
import { openRedis } from '../redis/open-redis.js';
import { parseRedisUrl } from '../redis/redis-url.js';

/** Of the keys of a deployment. */
const NAMESPACE = 'waypost';

/** Between attempts to find out who the primary is now, in ms: Sentinels and Clusters agree within seconds. */
const soon = (attempt: number): number => Math.min(200 * attempt, 1_000);

const ON_CLUSTER: ClusterOptions = {
  clusterRetryStrategy: soon,
  // A failover takes the node timeout, 15 s by default, and an election. What waits for it is not given up.
  maxRedirections: Number.MAX_SAFE_INTEGER,
  retryDelayOnMoved: 50,
};

/** BullMQ opens a server by its URL; of Sentinels and Clusters in a URL it knows nothing. */
RedisConnection.clientFactory = ({ url, ...options }) => {
  if (url === undefined) throw new Error('A queue in Redis needs the URL of REDIS_URL');
  const retries = parseRedisUrl(url).kind === 'sentinel' && { retryStrategy: soon };
  return createIORedisClient(openRedis(url, { ...options, ...retries }, ON_CLUSTER));
};

/**
 * Where all queues of this process live. Scripts of a queue name many of its keys, which a Cluster must keep on one
 * node: there each queue has a hash tag. On a server the keys keep the names they have always had.
 */
export function useQueueBackend({ redisUrl }: Pick<Config, 'redisUrl'>): void {
  if (redisUrl === undefined) return setDefaultBackendFactory(createPostgresBackend);
  const servers = parseRedisUrl(redisUrl);
  if (servers.kind !== 'cluster') return setDefaultBackendFactory();
  const deployment = servers.name ?? NAMESPACE;
  setDefaultBackendFactory((name, options, extra) => {
    const prefixed = { ...options, prefix: `{${deployment}-${name}}` };
    return createRedisBackend(name, prefixed, extra);
  });
}

/** The api has no business with the queue, and its database role no rights to it. */
const postgresUrl = ({ roles, databaseUrls }: Pick<Config, 'roles' | 'databaseUrls'>): string =>
  roles.has('worker') ? databaseUrls.ingest : databaseUrls.resolver;

/**
 * Redis where REDIS_URL is set, PostgreSQL otherwise: the same queues and the same code on both. BullMQ's types name
 * Redis whatever the backend, hence the cast.
 */
export function queueConnection(config: Pick<Config, 'redisUrl' | 'roles' | 'databaseUrls'>): ConnectionOptions {
  // Retries without end suit workers; whoever sends a job puts a deadline of its own on that.
  if (config.redisUrl) return { url: config.redisUrl, maxRetriesPerRequest: null };
  return {
    ...poolOptions('waypost-queue', 3),
    connectionString: postgresUrl(config),
    schema: QUEUE_SCHEMA,
  } as ConnectionOptions;
}

export function relayOptions(config: Config): RelayOptions {
  const connection = queueConnection(config);
  if (config.redisUrl === undefined) {
    const backend = createPostgresRelayBackend as unknown as NonNullable<RelayOptions['backend']>;
    return { connection, backend, namespace: NAMESPACE };
  }
  const servers = parseRedisUrl(config.redisUrl);
  // The namespace is a hash tag already.
  return { connection, namespace: (servers.kind === 'cluster' && servers.name) || NAMESPACE };
}
