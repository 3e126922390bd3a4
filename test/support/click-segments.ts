import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Queue } from 'bullmq';
import { TypeID } from 'typeid-js';
import type { FollowedLink, Visitor } from '../../src/clicks/click.js';
import { CLICKS_KEY, CLICKS_QUEUE, type ClicksJob } from '../../src/clicks/clicks.jobs.js';
import { ClickEncoder } from '../../src/clicks/spool-format.js';
import { newId } from '../../src/platform/ids.js';
import { queueConnection, useQueueBackend } from '../../src/platform/queue/connection.js';
import { FrameSealer } from '../../src/platform/secrets/sealed-frames.js';
import { Secrets } from '../../src/platform/secrets/secrets.js';
import { databaseUrl } from './database.js';
import { type LinkBody, type Tenant, underTest } from './waypost.js';

export const uuidOf = (id: string): string => TypeID.fromString(id).toUUID();

const someVisitor: Visitor = {
  address: '192.0.2.7',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  referrer: undefined,
  language: undefined,
  country: undefined,
  optedOut: false,
};

export const followed = (tenant: Pick<Tenant, 'tenantId' | 'domainId'>, link: LinkBody): FollowedLink => ({
  tenantId: uuidOf(tenant.tenantId),
  domainId: uuidOf(tenant.domainId),
  linkId: uuidOf(link.id),
});

/** A segment as a redirecting process would have sealed it: a click of each of these links, now. */
export function segmentOf(secretKey: Buffer, links: FollowedLink[], id = newId()): ClicksJob {
  const encoder = new ClickEncoder();
  encoder.begin(Date.now());
  for (const link of links) encoder.add(link, someVisitor, '');
  const sealer = new FrameSealer(new Secrets(secretKey).keyFor(CLICKS_KEY, id));
  return { segment: id, frames: sealer.seal(encoder.take()).toString('base64') };
}

/** The click queue of a deployment: the shared one's unless said. */
export class Segments {
  private constructor(
    private readonly queue: Queue<ClicksJob>,
    readonly secretKey: Buffer,
  ) {
    // A server that is killed is what some tests are about.
    queue.on('error', () => undefined);
  }

  static async ofShared(): Promise<Segments> {
    const secretKey = await readFile(join(underTest.dataDir, 'secret-key'), 'utf8');
    return Segments.of({
      databaseUrl: await databaseUrl('waypost_ingest'),
      redisUrl: process.env.REDIS_URL,
      secretKey,
    });
  }

  static of(deployment: { databaseUrl: string; redisUrl: string | undefined; secretKey: string }): Segments {
    const { databaseUrl: connectionString, redisUrl, secretKey } = deployment;
    useQueueBackend({ redisUrl });
    const databaseUrls = { app: '', owner: '', ingest: connectionString, resolver: '', replica: undefined };
    const connection = queueConnection({ redisUrl, roles: new Set(['worker'] as const), databaseUrls });
    const queue = new Queue<ClicksJob>(CLICKS_QUEUE, { connection });
    return new Segments(queue, Buffer.from(secretKey, 'base64'));
  }

  /** @param jobId another one for each delivery: the queue drops what it has had */
  async deliver(job: ClicksJob, jobId = newId()): Promise<void> {
    await this.queue.add('store', job, { jobId, attempts: 1_000, backoff: { type: 'fixed', delay: 500 } });
  }

  /** All segments that the queue knows of: those that wait, and the last ones that the worker has dealt with. */
  async known(): Promise<ClicksJob[]> {
    const jobs = await this.queue.getJobs(['waiting', 'prioritized', 'active', 'delayed', 'completed']);
    // One that ends just now may be gone before its data is read.
    return jobs.flatMap((job) => job?.data ?? []);
  }

  async unfinished(): Promise<number> {
    return this.queue.getJobCountByTypes('waiting', 'prioritized', 'active', 'delayed', 'failed');
  }

  async close(): Promise<void> {
    await this.queue.close();
  }
}
