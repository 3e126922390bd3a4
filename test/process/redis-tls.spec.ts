import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Queue } from 'bullmq';
import { queueConnection, useQueueBackend } from '../../src/platform/queue/connection.js';
import { openRedis } from '../../src/platform/redis/open-redis.js';
import { describeWithRedis } from '../support/describe-with-redis.js';
import { RedisCluster } from '../support/redis-cluster.js';
import { WatchedRedis } from '../support/redis-sentinels.js';
import { selfSigned } from '../support/self-signed.js';
import { unique } from '../support/waypost.js';

const PASSWORD = 'p@ss/word';
const SENTINEL_PASSWORD = 's&cret';

describeWithRedis('Redis over TLS, with passwords', () => {
  let dir: string;
  let cluster: RedisCluster;
  let watched: WatchedRedis;
  let urls: Record<'cluster' | 'sentinel', (password: string) => string>;
  const authorities = tls.getCACertificates('default');

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'waypost-redis-tls-'));
    const [key, cert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')];
    await writeFile(key, selfSigned.key);
    await writeFile(cert, selfSigned.cert);
    const secure = {
      'tls-key-file': key,
      'tls-cert-file': cert,
      'tls-ca-cert-file': cert,
      'tls-auth-clients': 'no',
      'tls-replication': 'yes',
    };
    const trust = { ca: selfSigned.cert };
    const settings = { ...secure, requirepass: PASSWORD, masterauth: PASSWORD };
    const access = { tls: trust, password: PASSWORD };
    [cluster, watched] = await Promise.all([
      RedisCluster.start(false, { ...settings, 'tls-cluster': 'yes' }, access),
      WatchedRedis.start(settings, access, {
        settings: { ...secure, requirepass: SENTINEL_PASSWORD },
        access: { tls: trust, password: SENTINEL_PASSWORD },
        lines: [`sentinel auth-pass waypost ${PASSWORD}`, `sentinel sentinel-pass ${SENTINEL_PASSWORD}`],
      }),
    ]);
    const login = (url: string, password: string): string =>
      url.replace(/^redis(.*):\/\//, `rediss$1://:${encodeURIComponent(password)}@`);
    urls = {
      cluster: (password) => login(cluster.url, password),
      sentinel: (password) =>
        `${login(watched.url, password)}?sentinel_password=${encodeURIComponent(SENTINEL_PASSWORD)}`,
    };
    // As NODE_EXTRA_CA_CERTS does for a process that starts with it.
    tls.setDefaultCACertificates([...authorities, selfSigned.cert]);
  }, 120_000);

  afterAll(async () => {
    tls.setDefaultCACertificates(authorities);
    await Promise.all([cluster?.remove(), watched?.remove()]);
    await rm(dir, { recursive: true, force: true });
  });

  it.each(['cluster', 'sentinel'] as const)('keeps what is given to it, and jobs: %s', async (kind) => {
    const redisUrl = urls[kind](PASSWORD);
    const redis = openRedis(redisUrl, { maxRetriesPerRequest: 3 });
    try {
      // So many that each node of a Cluster has some.
      const keys = Array.from({ length: 30 }, () => unique('tls'));
      await Promise.all(keys.map((key) => redis.set(key, `of ${key}`)));
      expect(await Promise.all(keys.map((key) => redis.get(key)))).toEqual(keys.map((key) => `of ${key}`));
    } finally {
      redis.disconnect();
    }
    useQueueBackend({ redisUrl });
    const databaseUrls = { app: '', owner: '', ingest: '', resolver: '', replica: undefined };
    const queue = new Queue(unique('tls'), {
      connection: queueConnection({ redisUrl, roles: new Set(['worker'] as const), databaseUrls }),
    });
    try {
      await queue.addBulk([
        { name: 'one', data: {} },
        { name: 'two', data: {}, opts: { priority: 1 } },
      ]);
      expect(await queue.getJobCountByTypes('waiting', 'prioritized')).toBe(2);
    } finally {
      await queue.close();
    }
  });

  /** Why it could not be reached. */
  const refusal = async (url: string): Promise<string> => {
    const redis = openRedis(url, { retryStrategy: () => 100, sentinelRetryStrategy: () => null });
    const open = redis.ping().catch(String);
    const [error] = (await once(redis, 'error')) as [Error];
    redis.disconnect();
    await open;
    return error.message;
  };

  it('is not reached with another password', async () => {
    expect(await refusal(urls.cluster('guessed'))).toMatch(/WRONGPASS|NOAUTH/);
    expect(await refusal(urls.sentinel('guessed'))).toMatch(/WRONGPASS|NOAUTH/);
  });

  it('is not reached where nobody vouches for its certificate', async () => {
    tls.setDefaultCACertificates(authorities);
    try {
      expect(await refusal(urls.cluster(PASSWORD))).toMatch(/Failed to refresh slots cache.*Connection is closed/);
      expect(await refusal(urls.sentinel(PASSWORD))).toMatch(/All sentinels are unreachable.*Connection is closed/);
    } finally {
      tls.setDefaultCACertificates([...authorities, selfSigned.cert]);
    }
  });
});
