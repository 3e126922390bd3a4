import type { PoolConfig } from 'pg';

/**
 * Longest a caller waits for a connection, in ms: a burst of requests queues for that long before it is turned away.
 * And for one statement; the server's own limit is a little shorter.
 */
export const CONNECT_DEADLINE = 8_000;
const QUERY_DEADLINE = 10_000;

export function poolOptions(applicationName: string, max: number): PoolConfig {
  return {
    application_name: applicationName,
    max,
    connectionTimeoutMillis: CONNECT_DEADLINE,
    query_timeout: QUERY_DEADLINE,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    onConnect: (client) => void client.on('error', toldElsewhere),
  };
}

/**
 * That a connection broke is told to whoever uses it, else to the pool. Between the two nobody listens for a moment: an
 * error that came along with the last answer would end the process.
 */
const toldElsewhere = (): void => undefined;
