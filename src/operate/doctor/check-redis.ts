import { Redis } from 'ioredis';
import { openRedis } from '../../platform/redis/open-redis.js';
import { parseRedisUrl } from '../../platform/redis/redis-url.js';
import { clockFinding } from './check-clock.js';
import { type Finding, finding } from './finding.js';

const DEADLINE_MS = 5_000;
/** The oldest that is maintained, by its authors or by a distribution: the suite runs on 7.0. */
const OLDEST = '6.2';

const ONCE = {
  lazyConnect: true,
  maxRetriesPerRequest: 0,
  retryStrategy: () => null,
  sentinelRetryStrategy: () => null,
};

/** Queue, bus and shared cache. What is asked needs no right to CONFIG, which managed services do not give. */
export async function checkRedis(url: string): Promise<Finding[]> {
  const redis = openRedis(
    url,
    { ...ONCE, connectTimeout: DEADLINE_MS, commandTimeout: DEADLINE_MS },
    { lazyConnect: true, clusterRetryStrategy: () => null, slotsRefreshTimeout: DEADLINE_MS },
  );
  let reason: string | undefined;
  redis.on('error', (error: Error) => (reason ??= error.message));
  try {
    await redis.connect();
    if (redis instanceof Redis) return await checkServer(redis);
    // What is wrong with all nodes is said once.
    const found = await Promise.all(redis.nodes('all').map((node) => checkServer(node)));
    const ofNodes = found.flat().filter(({ id }) => id !== 'redis_read_only');
    return ofNodes.filter(({ what }, n) => ofNodes.findIndex((other) => other.what === what) === n);
  } catch (error) {
    return [
      finding(
        'redis_unreachable',
        `Redis on ${hostsOf(url)} does not answer: ${reason ?? String(error)}`,
        'See that it runs and that REDIS_URL names it, with its password. Clicks wait in spools until it is there',
      ),
    ];
  } finally {
    redis.disconnect();
  }
}

async function checkServer(redis: Redis): Promise<Finding[]> {
  const info = new Map(
    (await redis.info())
      .split('\r\n')
      .map((line) => line.split(':'))
      .map(([name = '', ...value]) => [name, value.join(':')]),
  );
  return [...settingsOf(info), ...(await clockOf(redis))];
}

function hostsOf(url: string): string {
  const servers = parseRedisUrl(url);
  if (servers.kind === 'server') return new URL(servers.url).host;
  return servers.addresses.map(({ host, port }) => `${host}:${port}`).join(', ');
}

function settingsOf(info: ReadonlyMap<string, string>): Finding[] {
  const version = info.get('redis_version') ?? '';
  const policy = info.get('maxmemory_policy');
  return [
    ...(isOlder(version, OLDEST)
      ? [finding('redis_outdated', `Redis ${version} is older than ${OLDEST}`, `Upgrade to ${OLDEST} or newer`)]
      : []),
    ...(policy !== undefined && policy !== 'noeviction'
      ? [
          finding(
            'redis_evicts',
            `Redis evicts (maxmemory-policy ${policy}): when its memory is full, queued clicks are lost`,
            'CONFIG SET maxmemory-policy noeviction, and in its configuration file',
          ),
        ]
      : []),
    ...(info.get('aof_enabled') === '0'
      ? [
          finding(
            'redis_not_durable',
            'Redis keeps no append-only file: what is queued is lost when it restarts',
            'CONFIG SET appendonly yes, and in its configuration file',
          ),
        ]
      : []),
    ...(info.get('role') === 'slave'
      ? [
          finding(
            'redis_read_only',
            'REDIS_URL leads to a replica, which takes no writes',
            'Have it lead to the primary',
          ),
        ]
      : []),
  ];
}

async function clockOf(redis: Redis): Promise<Finding[]> {
  const asked = Date.now();
  const [seconds, micros] = await redis.time();
  return clockFinding('Redis', Number(seconds) * 1000 + Number(micros) / 1000, asked, Date.now());
}

const isOlder = (version: string, than: string): boolean => {
  const [have, want] = [version, than].map((text) => text.split('.').map(Number)) as [number[], number[]];
  return (have[0] ?? 0) < (want[0] ?? 0) || (have[0] === want[0] && (have[1] ?? 0) < (want[1] ?? 0));
};
