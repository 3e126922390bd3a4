import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Queue } from 'bullmq';
import { pino } from 'pino';
import { ClickQueue } from '../../src/clicks/click-queue.js';
import type { ClicksJob } from '../../src/clicks/clicks.jobs.js';
import { queueConnection, useQueueBackend } from '../../src/platform/queue/connection.js';
import { describeWithRedis } from '../support/describe-with-redis.js';
import { RedisServer } from '../support/redis-server.js';

describeWithRedis('a click queue whose Redis hangs', () => {
  let redis: RedisServer;
  let queue: Queue<ClicksJob>;
  let sender: ClickQueue;

  beforeAll(async () => {
    redis = await RedisServer.start();
    const config = { redisUrl: redis.url, roles: new Set(['redirect'] as const), databaseUrls: undefined as never };
    useQueueBackend(config);
    queue = new Queue('clicks', { connection: queueConnection(config) });
    sender = new ClickQueue(queue, pino({ level: 'silent' }));
    await sender.send({ segment: 'before', frames: '' });
  }, 30_000);
  afterAll(async () => {
    await sender.onApplicationShutdown();
    await redis.remove();
  });

  /** Jobs given to it so far, also those it had already: each takes a number. */
  async function given(): Promise<number> {
    const stats = await redis.ask((client) => client.info('commandstats'));
    return Number(/^cmdstat_incr:calls=(\d+)/m.exec(stats)?.[1]);
  }

  it('is given a segment once, however often it has been tried', async () => {
    const before = await given();
    redis.freeze();
    for (let attempt = 0; attempt < 3; attempt++) {
      await expect(sender.send({ segment: 'a', frames: '' })).rejects.toThrow('no answer within 3000 ms');
    }
    await expect(sender.send({ segment: 'b', frames: '' })).rejects.toThrow('no answer within 3000 ms');
    redis.thaw();
    await sender.send({ segment: 'a', frames: '' });
    await sender.send({ segment: 'b', frames: '' });
    const ids = (await queue.getJobs(['waiting'])).map(({ id }) => id);
    expect(ids.toSorted()).toEqual(['a', 'b', 'before']);
    // One for each of the two, and of the last two sends one more each, where the first answers had come before.
    expect((await given()) - before).toBeLessThanOrEqual(4);
  }, 40_000);
});
