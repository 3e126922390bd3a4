import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisOptions } from 'ioredis';
import { linked } from './redis-cluster.ts';
import { RedisServer } from './redis-server.ts';

type Settings = Record<string, string | number>;

const NAME = 'waypost';
const AGREED_WITHIN_MS = 60_000;

/** A Redis with a replica, and three Sentinels that watch it. */
export class WatchedRedis {
  readonly servers: readonly RedisServer[];
  readonly sentinels: readonly RedisServer[];

  private constructor(servers: readonly RedisServer[], sentinels: readonly RedisServer[]) {
    this.servers = servers;
    this.sentinels = sentinels;
  }

  /** @param watch settings of the Sentinels; lines of what they are told about the servers */
  static async start(
    settings: Settings = {},
    access: RedisOptions = {},
    watch: { settings?: Settings; access?: RedisOptions; lines?: string[] } = {},
  ): Promise<WatchedRedis> {
    const servers: RedisServer[] = [];
    const sentinels: RedisServer[] = [];
    const watched = new WatchedRedis(servers, sentinels);
    try {
      const primary = await RedisServer.start(settings, access);
      servers.push(primary);
      const replica = await RedisServer.start({ ...settings, replicaof: `127.0.0.1 ${primary.port}` }, access);
      servers.push(replica);
      await replica.ask(linked);
      const lines = [
        `sentinel monitor ${NAME} 127.0.0.1 ${primary.port} 2`,
        `sentinel down-after-milliseconds ${NAME} 2000`,
        `sentinel failover-timeout ${NAME} 10000`,
        ...(watch.lines ?? []),
      ];
      for (let n = 0; n < 3; n++) {
        sentinels.push(await RedisServer.startSentinel(lines, watch.settings, watch.access ?? access));
      }
      await watched.agreed();
      return watched;
    } catch (error) {
      await watched.remove();
      throw error;
    }
  }

  get url(): string {
    return `redis+sentinel://${this.sentinels.map(({ address }) => address).join(',')}/${NAME}`;
  }

  /** The server that the Sentinels name now. */
  async primary(): Promise<RedisServer> {
    const [sentinel] = this.sentinels;
    const answer = await sentinel?.ask((redis) => redis.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', NAME));
    const [, port] = (answer ?? []) as [string?, string?];
    const found = this.servers.find((server) => server.port === Number(port));
    if (!found) throw new Error(`No primary: ${JSON.stringify(answer)}`);
    return found;
  }

  async remove(): Promise<void> {
    await Promise.all([...this.sentinels, ...this.servers].map((server) => server.remove()));
  }

  /** Until each Sentinel knows the others and the replica: without, none of them could do anything. */
  private async agreed(): Promise<void> {
    const end = Date.now() + AGREED_WITHIN_MS;
    for (const sentinel of this.sentinels) {
      const told = (): Promise<unknown> => sentinel.askWithin(1_000, (redis) => redis.info('sentinel'));
      while (!/slaves=1,sentinels=3/.test(String(await told()))) {
        if (Date.now() > end) throw new Error('The Sentinels did not find each other in time');
        await sleep(100);
      }
    }
  }
}
