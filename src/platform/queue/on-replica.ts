import { type Queue, RedisQueueBackend } from 'bullmq';
import { type ChainableCommander, type Cluster, type Redis, ReplyError } from 'ioredis';

/** A replica has what it was sent within a few ms, unless it hangs or has just come. */
const PATIENCE_MS = 1_000;
const MARK_MS = 10_000;

/**
 * Redis answers before its replicas have what it was told, and the one that takes over may lack it. Whoever throws away
 * its own copy of a job waits for this first. Where there is no replica, there is nothing to wait for.
 *
 * @throws when no replica has the job in time, or the server itself has it no more
 */
export async function onReplica(queue: Queue, jobId: string): Promise<void> {
  const backend: unknown = queue.getBackend();
  if (!(backend instanceof RedisQueueBackend)) return;
  const redis = (await backend.client) as unknown as Redis | Cluster;
  const [job, mark] = [backend.toKey(jobId), backend.toKey('mark')];
  // In one pipeline with the job's key, so that on a Cluster the node is asked that has it.
  const told = await answers(redis.pipeline().exists(job).info('replication'));
  // A server that does not say has others care for its replicas. One that is still being copied to is none yet.
  if (told === undefined || !/^slave\d+:.*state=online/m.test(String(told[1]))) return;
  // The mark is written after the job, and over this connection: a replica that has it has all before.
  const waited = await answers(redis.pipeline().set(mark, '', 'PX', MARK_MS).exists(job).wait(1, PATIENCE_MS));
  if (waited === undefined) return;
  const [, there, replicas] = waited;
  // One that took over meanwhile does not have it. (Or it was done long ago: then to send it again does nothing.)
  if (there === 0) throw new Error('the queue has it no more');
  if (replicas === 0) throw new Error(`no replica of the queue has it after ${PATIENCE_MS} ms`);
}

/** @returns undefined where the server does not let us ask */
async function answers(pipeline: ChainableCommander): Promise<unknown[] | undefined> {
  const results = (await pipeline.exec()) ?? [];
  const error = results.find(([failed]) => failed)?.[0];
  if (!error) return results.map(([, answer]) => answer);
  if (error instanceof ReplyError && /^(NOPERM|ERR unknown command)/.test(error.message)) return undefined;
  throw error;
}
