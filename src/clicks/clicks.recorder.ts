import { InjectQueue } from '@nestjs/bullmq';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { newId } from '../platform/ids.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { clicksAccepted, clicksShed } from '../platform/telemetry/metrics.js';
import { type Click, storableText } from './click.js';
import { BATCH_SIZE, CLICKS_QUEUE, type ClicksJob } from './clicks.jobs.js';

/** Clicks held while the queue does not answer; beyond it they are shed, and counted as such. */
const CAPACITY = 200_000;
const FLUSH_MS = 200;
const SEND_DEADLINE_MS = 3_000;

/** A finished batch is large; it is kept only for as long as it may be sent again. */
const removeOnComplete = { count: 50 };

interface Batch {
  /** Job id: a batch that may have been sent is sent again under the same id. */
  id: string;
  clicks: Click[];
}

/** Takes clicks off the redirect's hands and sends them to the queue in batches. */
@Injectable()
export class ClickRecorder implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private open: Click[] = [];
  private readonly waiting: Batch[] = [];
  private held = 0;
  private timer: NodeJS.Timeout | undefined;
  private sending: Promise<void> | undefined;

  constructor(
    @InjectQueue(CLICKS_QUEUE) private readonly queue: Queue<ClicksJob>,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Never blocks and never throws: a visitor's redirect does not depend on it. */
  offer(click: Omit<Click, 'id' | 'occurredAt'>): void {
    if (this.held >= CAPACITY) return clicksShed.inc();
    clicksAccepted.inc();
    this.held++;
    this.open.push({
      ...click,
      id: newId(),
      occurredAt: Date.now(),
      referrer: storableText(click.referrer),
      userAgent: storableText(click.userAgent),
    });
    if (this.open.length >= BATCH_SIZE) this.seal();
  }

  onApplicationBootstrap(): void {
    this.queue.on('error', (error) => this.logger.warn({ reason: error.message }, 'The click queue does not answer'));
    this.timer = setInterval(() => void this.flush(), FLUSH_MS);
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.sending;
    await this.flush();
    if (this.held > 0)
      this.logger.error({ clicks: this.held }, 'Clicks were lost: the queue did not take them in time');
  }

  private seal(): void {
    if (this.open.length === 0) return;
    this.waiting.push({ id: newId(), clicks: this.open });
    this.open = [];
  }

  /** Sends all that waits, oldest first, until done or the queue does not answer. */
  private flush(): Promise<void> {
    this.seal();
    this.sending ??= this.send().finally(() => {
      this.sending = undefined;
    });
    return this.sending;
  }

  private async send(): Promise<void> {
    for (let batch = this.waiting[0]; batch; batch = this.waiting[0]) {
      try {
        await withinDeadline(this.queue.add('store', { clicks: batch.clicks }, { jobId: batch.id, removeOnComplete }));
      } catch (error) {
        this.logger.warn({ reason: String(error), clicks: this.held }, 'Clicks wait for the queue');
        return;
      }
      this.waiting.shift();
      this.held -= batch.clicks.length;
    }
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
