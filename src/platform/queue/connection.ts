import { type ConnectionOptions, createPostgresRelayBackend, type RelayOptions } from 'bullmq';
import type { Config } from '../config/config.js';
import { poolOptions } from '../database/pool-options.js';
import { QUEUE_SCHEMA } from '../database/migrate.js';

/** The api has no business with the queue, and its database role no rights to it. */
const postgresUrl = ({ roles, databaseUrls }: Config): string =>
  roles.has('worker') ? databaseUrls.ingest : databaseUrls.resolver;

/**
 * Redis where REDIS_URL is set, PostgreSQL otherwise: the same queues and the same code on both. BullMQ's types name
 * Redis whatever the backend, hence the cast.
 */
export function queueConnection(config: Config): ConnectionOptions {
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
  if (config.redisUrl) return { connection };
  return { connection, backend: createPostgresRelayBackend as unknown as NonNullable<RelayOptions['backend']> };
}
