import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { clicksOf, type Customer, Deployment, metricOf, type RoleProcess } from '../support/deployment.js';
import { describeWithRedis } from '../support/describe-with-redis.js';
import { SteadyLoad } from '../support/load.js';
import { linked, RedisCluster } from '../support/redis-cluster.js';
import { WatchedRedis } from '../support/redis-sentinels.js';
import type { RedisServer } from '../support/redis-server.js';
import { Visitor } from '../support/visitor.js';
import { eventually, type LinkBody, unique } from '../support/waypost.js';

/** Visits a second: few, for others that take part need the machine to notice that a server is gone. */
const RATE = 50;

interface Standby {
  url: string;
  primary: () => Promise<RedisServer>;
  /** All servers that keep data. */
  servers: readonly RedisServer[];
  remove: () => Promise<void>;
}

/** A Redis by its description, and a key of the click queue there. */
const kinds: Array<[string, string, () => Promise<Standby>]> = [
  [
    'that Sentinels watch',
    // As on any server, so that a deployment which moves behind Sentinels finds its jobs.
    'bull:clicks:meta',
    async () => {
      const redis = await WatchedRedis.start();
      const { url, servers } = redis;
      return { url, servers, primary: () => redis.primary(), remove: () => redis.remove() };
    },
  ],
  [
    'that is a Cluster',
    '{waypost-clicks}:clicks:meta',
    async () => {
      const redis = await RedisCluster.start(true, { 'cluster-node-timeout': 2_000 });
      const { url, nodes: servers } = redis;
      return { url, servers, primary: () => redis.primaryOf('{waypost-clicks}'), remove: () => redis.remove() };
    },
  ],
];

async function replicaOf(primary: RedisServer): Promise<{ port: number }> {
  const replication = await primary.ask((client) => client.info('replication'));
  return { port: Number(/^slave0:.*port=(\d+)/m.exec(replication)?.[1]) };
}

for (const [description, key, start] of kinds) {
  describeWithRedis(`a Redis ${description}`, () => {
    let redis: Standby;
    let deployment: Deployment;
    let redirect: RoleProcess;
    let tenant: Customer;
    let visitor: Visitor;

    beforeAll(async () => {
      redis = await start();
      deployment = await Deployment.open(redis.url);
      [redirect] = await Promise.all([
        deployment.start('redirect'),
        deployment.start('worker'),
        deployment.start('api'),
      ]);
      tenant = await deployment.newTenant();
      visitor = new Visitor(redirect);
    }, 120_000);

    afterAll(async () => {
      visitor.leave();
      const [ofRedirect, ofWorker, ofApi] = await deployment.close();
      await redis.remove();
      expect([ofRedirect, ofApi]).toEqual([0, 0]);
      // The queue's own library may wait, as long as it is let, for an answer of the server that is gone: the worker then ends
      // itself when its time is over, and says so by 1. Its jobs are taken up again, as after any death.
      expect([0, 1]).toContain(ofWorker);
    }, 60_000);

    const edited = async (link: LinkBody): Promise<void> => {
      const url = `https://example.com/${unique()}`;
      await tenant.patch(`/v1/links/${link.id}`, { url });
      await eventually(
        () => visitor.get(tenant.domain, `/${link.key}`),
        ({ location }) => location === url,
        40,
      );
    };

    it('has the keys of each queue under one name', async () => {
      const primary = await redis.primary();
      expect(await primary.ask((client) => client.exists(key))).toBe(1);
    });

    it('is sent clicks until a replica has them, too', async () => {
      const link = await tenant.link();
      const spooled = (): Promise<number> => metricOf(redirect, 'waypost_spool_bytes');
      await eventually(spooled, (bytes) => bytes === 0);
      const primary = await redis.primary();
      const { port } = await replicaOf(primary);
      const replica = redis.servers.find((server) => server.port === port);
      replica?.freeze();
      try {
        expect(await visitor.get(tenant.domain, `/${link.key}`)).toMatchObject({ status: 302 });
        await eventually(
          () => clicksOf(tenant, link.id),
          (clicks) => clicks === 1,
        );
        // The worker has had it, and yet it is kept.
        await sleep(2_000);
        expect(await spooled()).toBeGreaterThan(0);
      } finally {
        replica?.thaw();
      }
      await eventually(spooled, (bytes) => bytes === 0, 30);
      expect(await clicksOf(tenant, link.id)).toBe(1);
    }, 60_000);

    it.each<[string, (lost: RedisServer) => Promise<void> | void, (lost: RedisServer) => Promise<void> | void]>([
      ['is killed', (lost) => lost.kill(), (lost) => lost.restart()],
      ['hangs', (lost) => lost.freeze(), (lost) => lost.thaw()],
    ])(
      'loses no visitor and no click when its primary %s, and goes on with another',
      async (_what, lose, bringBack) => {
        const [link, other] = [await tenant.link(), await tenant.link()];
        const load = new SteadyLoad(redirect, RATE, () => ({ host: tenant.domain, path: `/${link.key}` }));
        await sleep(1_000);
        const lost = await redis.primary();
        const at = performance.now();
        await lose(lost);
        await eventually(redis.primary, (primary) => primary !== lost, 60);
        const replaced = Math.round(performance.now() - at);
        await sleep(2_000);
        await load.stop();
        expect(load.failures).toEqual([]);
        expect([...load.statuses.keys()]).toEqual([302]);
        await eventually(
          () => clicksOf(tenant, link.id),
          (clicks) => clicks >= load.answered,
          90,
        );
        process.stdout.write(
          `Redis ${description}: another primary after ${replaced} ms, ${load.answered} clicks all counted ` +
            `after ${Math.round(performance.now() - at)} ms\n`,
        );
        await sleep(500);
        expect(await clicksOf(tenant, link.id)).toBe(load.answered);
        await edited(other);
        await bringBack(lost);
        await lost.ask(linked);
      },
      240_000,
    );
  });
}
