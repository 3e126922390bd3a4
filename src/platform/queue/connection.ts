import { type ConnectionOptions, createPostgresRelayBackend, type RelayOptions } from 'bullmq';
import type { Config } from '../config/config.js';
import { poolOptions } from '../database/pool-options.js';
import { QUEUE_SCHEMA } from '../database/migrate.js';

/** The redirect role reaches the queue with the redirect role's own rights, all others with the worker's or the api's. */
const postgresUrl = ({ roles, databaseUrls }: Config): string => {
  if (roles.has('worker')) return databaseUrls.ingest;
  return roles.has('redirect') ? databaseUrls.resolver : databaseUrls.app;
};

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
