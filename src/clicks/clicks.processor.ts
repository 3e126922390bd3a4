import { InjectQueue, Processor, WorkerHost } from '@nestjs/bullmq';
import { type BeforeApplicationShutdown, Inject, type OnApplicationBootstrap } from '@nestjs/common';
import type { Job, Queue } from 'bullmq';
import { IngestDatabase } from '../platform/database/ingest-database.js';
import { isUnavailable } from '../platform/database/database-errors.js';
import { timeJob } from '../platform/queue/time-job.js';
import { watchQueue } from '../platform/queue/watch-queue.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { CLICKS_QUEUE, type ClicksJob, pauseBefore, UNTIL_BACK } from './clicks.jobs.js';
import { SegmentsService } from './segments.service.js';

const PROBE_EVERY_MS = 1_000;

@Processor(CLICKS_QUEUE, {
  // A job whose worker is killed stalls, however often that happens: it is not the job's fault.
  maxStalledCount: 2 ** 31 - 1,
  // Clicks are to be in analytics within a minute, also those whose worker has died.
  lockDuration: 15_000,
  stalledInterval: 5_000,
  // Those that wait for a round are stored together in the next.
  concurrency: 8,
  settings: { backoffStrategy: (attempt = 1, type) => (type === UNTIL_BACK ? pauseBefore(attempt) : 500) },
})
export class ClicksProcessor extends WorkerHost implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private probe: NodeJS.Timeout | undefined;
  private stopping = false;

  constructor(
    private readonly segments: SegmentsService,
    private readonly database: IngestDatabase,
    @InjectQueue(CLICKS_QUEUE) private readonly queue: Queue<ClicksJob>,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    super();
  }

  async process({ data }: Job<ClicksJob>): Promise<void> {
    try {
      await timeJob(CLICKS_QUEUE, async () => void (await this.segments.store(data)));
    } catch (error) {
      // One attempt tells that the database is away: the segments that wait need not each find out.
      if (isUnavailable(error)) this.pause(error);
      throw error;
    }
  }

  /** What an earlier version gave up on is tried again. Nobody waits for that: the queue may be away. */
  onApplicationBootstrap(): void {
    watchQueue(this.queue, this.logger);
    this.queue.retryJobs({ state: 'failed' }).catch((error: unknown) => {
      this.logger.warn({ reason: String(error) }, 'Failed segments were not tried again; the next start does so');
    });
  }

  beforeApplicationShutdown(): void {
    this.stopping = true;
    clearTimeout(this.probe);
  }

  private pause(error: unknown): void {
    if (this.probe || this.stopping) return;
    this.logger.warn({ reason: String(error) }, 'Ingest waits for the database');
    this.probe = setTimeout(() => void this.resumeWhenBack(), PROBE_EVERY_MS);
    // It takes no new jobs from here on; the one that is running ends by itself.
    void this.worker.pause(true);
  }

  private async resumeWhenBack(): Promise<void> {
    try {
      await this.database.query('SELECT 1');
    } catch (error) {
      if (this.stopping) return;
      this.logger.debug({ reason: String(error) }, 'The database is still away');
      this.probe = setTimeout(() => void this.resumeWhenBack(), PROBE_EVERY_MS);
      return;
    }
    this.probe = undefined;
    if (this.stopping) return;
    this.worker.resume();
    this.logger.info('Ingest goes on');
  }
}
