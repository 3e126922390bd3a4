import { setTimeout as sleep } from 'node:timers/promises';
import { InjectQueue } from '@nestjs/bullmq';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Queue } from 'bullmq';
import { onReplica } from '../platform/queue/on-replica.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { CLICKS_JOB_OPTIONS, CLICKS_QUEUE, type ClicksJob } from './clicks.jobs.js';

const SEND_DEADLINE_MS = 3_000;
/** In this time, in ms, a promise that has long been settled says so. */
const SETTLED_MS = 100;

/** The queue as senders need it: it answers within a deadline, and opens however late its server does. */
@Injectable()
export class ClickQueue implements OnApplicationShutdown {
  /** By segment, what the queue has not answered yet. */
  private readonly unanswered = new Map<string, Promise<void>>();

  constructor(
    @InjectQueue(CLICKS_QUEUE) private queue: Queue<ClicksJob>,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.listen();
  }

  /**
   * Under the segment's own id: one that may have been sent before is sent again, and is the same job.
   *
   * @throws when the queue has not taken it in time
   */
  async send(job: ClicksJob): Promise<void> {
    try {
      await withinDeadline(this.unanswered.get(job.segment) ?? this.begin(job));
    } catch (error) {
      await this.reopenUnlessOpen();
      throw error;
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.queue.close();
  }

  /**
   * To be waited for again when its time is over: each attempt of its own would be kept, segment and all, until Redis is
   * back.
   */
  private begin(job: ClicksJob): Promise<void> {
    const answer = this.add(job).finally(() => {
      if (this.unanswered.get(job.segment) === answer) this.unanswered.delete(job.segment);
    });
    this.unanswered.set(job.segment, answer);
    return answer;
  }

  private async add(job: ClicksJob): Promise<void> {
    const { queue } = this;
    await queue.add('store', job, { jobId: job.segment, ...CLICKS_JOB_OPTIONS });
    await onReplica(queue, job.segment);
  }

  /** A queue that could not be opened keeps that answer for ever: the next attempt is with a new one. */
  private async reopenUnlessOpen(): Promise<void> {
    const open = this.queue.waitUntilReady().then(
      () => true,
      () => false,
    );
    // One that is still being opened has not said no.
    if (await Promise.race([open, sleep(SETTLED_MS, true)])) return;
    const { name, opts } = this.queue;
    this.queue.close().catch((error: unknown) => this.logger.debug({ reason: String(error) }, 'It was never open'));
    this.queue = new Queue<ClicksJob>(name, opts);
    this.unanswered.clear();
    this.listen();
  }

  private listen(): void {
    this.queue.on('error', (error) => this.logger.warn({ reason: error.message }, 'The click queue does not answer'));
  }
}

/** A queue that is away may keep a caller waiting for as long as it likes. */
async function withinDeadline<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${SEND_DEADLINE_MS} ms`)), SEND_DEADLINE_MS);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
