import type { PoolConfig } from 'pg';

/** Longest a caller waits for a connection, and for one statement, in ms; the server's own limits are a little shorter. */
const CONNECT_DEADLINE = 2_000;
const QUERY_DEADLINE = 10_000;

export function poolOptions(applicationName: string, max: number): PoolConfig {
  return {
    application_name: applicationName,
    max,
    connectionTimeoutMillis: CONNECT_DEADLINE,
    query_timeout: QUERY_DEADLINE,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
  };
}
