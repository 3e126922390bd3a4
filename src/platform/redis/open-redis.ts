import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis';
import { parseRedisUrl } from './redis-url.js';

type Sentinel = Extract<ReturnType<typeof parseRedisUrl>, { kind: 'sentinel' }>;

/**
 * A connection to whatever REDIS_URL names.
 *
 * @param options of a connection to a server: on a Cluster, to each node
 * @param onCluster of a Cluster as a whole: how long what can not be done at once is tried
 */
export function openRedis(url: string, options: RedisOptions, onCluster: ClusterOptions = {}): Redis | Cluster {
  const servers = parseRedisUrl(url);
  if (servers.kind === 'server') return new Redis(servers.url, { ...options, reconnectOnError });
  if (servers.kind === 'sentinel') return new Redis({ ...options, ...fromSentinels(servers), reconnectOnError });
  // Addresses and retries of nodes are the Cluster's to decide.
  const { host: _host, port: _port, retryStrategy: _retries, enableOfflineQueue: _queue, ...ofNodes } = options;
  const redisOptions = { ...ofNodes, ...servers.login, ...(servers.tls && { tls: {} }) };
  const cluster = new Cluster(servers.addresses, {
    slotsRefreshInterval: REFRESH_MS,
    ...onCluster,
    // A certificate is for a name: one that is looked up here would be checked as an address.
    dnsLookup: (host, found) => found(null, host),
    redisOptions,
  });
  return cluster.on('error', giveReason);
}

/** That no node answered is said by the error; why, by another in it. To be called before whoever logs it. */
function giveReason(error: Error & { lastNodeError?: Error }): void {
  if (error.lastNodeError) error.message += ` The last node: ${error.lastNodeError.message}`;
}

/** So often, in ms, a Cluster is asked who holds what, besides when a node says that it does not any more. */
const REFRESH_MS = 5_000;

function fromSentinels({ tls, addresses, login, primary, database, sentinelLogin }: Sentinel): RedisOptions {
  return {
    sentinels: addresses,
    name: primary,
    db: database,
    ...login,
    ...(sentinelLogin.username && { sentinelUsername: sentinelLogin.username }),
    ...(sentinelLogin.password && { sentinelPassword: sentinelLogin.password }),
    ...(tls && { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true }),
    // A primary that hangs keeps its connections: they end when the Sentinels name another.
    failoverDetector: true,
  };
}

/** A server that was demoted: the name leads to another by now. 2: connect anew, and send the command again. */
const reconnectOnError = (error: Error): 2 | false => (error.message.startsWith('READONLY') ? 2 : false);
