import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { ClicksProcessor } from '../../clicks/clicks.processor.js';
import { type Logger, LOGGER } from '../../platform/telemetry/logger.js';
import { UpkeepProcessor } from './upkeep.processor.js';

/** Lets running jobs finish before the connections they work with are closed. */
@Injectable()
export class WorkerDrain implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly clicks: ClicksProcessor,
    private readonly upkeep: UpkeepProcessor,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    for (const { worker } of this.processors()) {
      worker.on('error', (error) =>
        this.logger.warn({ reason: error.message, queue: worker.name }, 'A queue does not answer'),
      );
      worker.on('failed', (job, error) => {
        const facts = { reason: error.message, queue: worker.name, job: job?.id, attempt: job?.attemptsMade };
        // What is tried for as long as it takes is no news until it is done.
        if (job?.opts.backoff && job.attemptsMade < (job.opts.attempts ?? 1)) {
          return this.logger.warn(facts, 'A job failed, and is tried again');
        }
        return this.logger.error(facts, 'A job failed');
      });
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all(this.processors().map(({ worker }) => worker.close()));
  }

  private processors() {
    return [this.clicks, this.upkeep];
  }
}
