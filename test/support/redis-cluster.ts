import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis, RedisOptions } from 'ioredis';
import { RedisServer } from './redis-server.ts';
import { freePort } from './free-port.ts';

type Settings = Record<string, string | number>;

const SLOTS = 16_384;
const PRIMARIES = 3;
const JOINED_WITHIN_MS = 60_000;

/** A Redis Cluster of three nodes that share the keys, and where it is asked for, of three more that stand by. */
export class RedisCluster {
  readonly nodes: readonly RedisServer[];

  private constructor(nodes: readonly RedisServer[]) {
    this.nodes = nodes;
  }

  static async start(standby: boolean, settings: Settings = {}, access: RedisOptions = {}): Promise<RedisCluster> {
    const nodes: RedisServer[] = [];
    const cluster = new RedisCluster(nodes);
    try {
      for (let n = 0; n < (standby ? 2 * PRIMARIES : PRIMARIES); n++) {
        const own = { 'cluster-enabled': 'yes', 'cluster-port': await freePort(), 'cluster-node-timeout': 5_000 };
        nodes.push(await RedisServer.start({ ...own, ...settings }, access));
      }
      await cluster.join();
      return cluster;
    } catch (error) {
      await cluster.remove();
      throw error;
    }
  }

  /** Of some nodes: the others are to be found out. */
  get url(): string {
    return `redis+cluster://${this.nodes
      .slice(0, 2)
      .map(({ address }) => address)
      .join(',')}`;
  }

  /** The node that holds this key now. */
  async primaryOf(key: string): Promise<RedisServer> {
    for (const node of this.nodes) {
      const slot = await node.askWithin(500, (redis) => redis.cluster('KEYSLOT', key));
      if (slot === undefined) continue;
      const ranges = await node.ask((redis) => redis.cluster('SLOTS'));
      const [, , primary] = ranges.find(([from, to]) => from <= Number(slot) && Number(slot) <= to) ?? [];
      const port = primary?.[1];
      const found = this.nodes.find((one) => one.port === port);
      if (found) return found;
    }
    throw new Error(`Nobody holds ${key}`);
  }

  async remove(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.remove()));
  }

  private async join(): Promise<void> {
    const [first, ...others] = this.nodes;
    if (!first) throw new Error('A Cluster has nodes');
    const share = SLOTS / PRIMARIES;
    for (const [n, node] of this.nodes.slice(0, PRIMARIES).entries()) {
      const [from, to] = [Math.ceil(n * share), Math.ceil((n + 1) * share) - 1];
      await node.ask(async (redis) => {
        // As redis-cli does: nodes that all begin with one epoch would have to sort that out.
        await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', n + 1);
        await redis.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
      });
    }
    for (const node of others) {
      const bus = await node.ask((redis) => setting(redis, 'cluster-port'));
      await first.ask((redis) => redis.call('CLUSTER', 'MEET', '127.0.0.1', node.port, bus));
    }
    await this.until(async (redis) => known(await redis.cluster('NODES')) === this.nodes.length);
    for (const [n, node] of this.nodes.slice(PRIMARIES).entries()) {
      const primary = await this.nodes[n]?.ask((redis) => redis.cluster('MYID'));
      await node.ask((redis) => redis.call('CLUSTER', 'REPLICATE', String(primary)));
    }
    await this.until(async (redis) => /cluster_state:ok/.test(String(await redis.cluster('INFO'))));
    for (const node of this.nodes.slice(PRIMARIES)) await node.ask((redis) => linked(redis));
    // What stands by is known to its own primary first, and to a client only once the node that it asks has heard of it.
    const servers = this.nodes.length / PRIMARIES;
    await this.until(async (redis) => (await redis.cluster('SLOTS')).every(([, , ...of]) => of.length === servers));
  }

  /** Until each node says so. */
  private async until(agreed: (redis: Redis) => Promise<boolean>): Promise<void> {
    const end = Date.now() + JOINED_WITHIN_MS;
    for (const node of this.nodes) {
      await node.ask(async (redis) => {
        while (!(await agreed(redis))) {
          if (Date.now() > end) throw new Error(`No Cluster in time:\n${await redis.cluster('NODES')}`);
          await sleep(50);
        }
      });
    }
  }
}

const known = (nodes: unknown): number =>
  String(nodes)
    .trim()
    .split('\n')
    .filter((line) => !/handshake|noaddr/.test(line)).length;

async function setting(redis: Redis, name: string): Promise<string> {
  const [, value] = (await redis.config('GET', name)) as [string, string];
  return value;
}

/** Waits until a replica has all that its primary has. */
export async function linked(redis: Redis): Promise<void> {
  const end = Date.now() + JOINED_WITHIN_MS;
  while (!/master_link_status:up/.test(await redis.info('replication'))) {
    if (Date.now() > end) throw new Error(`No replica in time:\n${await redis.info('replication')}`);
    await sleep(50);
  }
}
