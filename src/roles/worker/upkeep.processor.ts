import { InjectQueue, Processor, WorkerHost } from '@nestjs/bullmq';
import { Inject, type OnApplicationBootstrap } from '@nestjs/common';
import type { Job, Queue } from 'bullmq';
import { ClicksUpkeep } from '../../clicks/clicks.upkeep.js';
import { DomainsUpkeep } from '../../domains/domains.upkeep.js';
import { IdempotencyUpkeep } from '../../platform/idempotency/idempotency.upkeep.js';
import { type Logger, LOGGER } from '../../platform/telemetry/logger.js';
import { TenantsUpkeep } from '../../tenants/tenants.upkeep.js';

export const UPKEEP_QUEUE = 'upkeep';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Jobs on schedule. The scheduler lives in the queue: however many workers there are, each job runs once. */
@Processor(UPKEEP_QUEUE)
export class UpkeepProcessor extends WorkerHost implements OnApplicationBootstrap {
  private readonly schedule: Record<string, { every: number; run: () => Promise<void> }>;

  constructor(
    @InjectQueue(UPKEEP_QUEUE) private readonly queue: Queue,
    @Inject(LOGGER) private readonly logger: Logger,
    clicks: ClicksUpkeep,
    domains: DomainsUpkeep,
    idempotency: IdempotencyUpkeep,
    tenants: TenantsUpkeep,
  ) {
    super();
    this.schedule = {
      'make-click-partitions': { every: 6 * HOUR, run: () => clicks.makePartitions() },
      'forget-visitors': { every: HOUR, run: () => clicks.forgetVisitors() },
      'expire-clicks': { every: 6 * HOUR, run: () => clicks.expire() },
      'erase-clicks': { every: 10 * MINUTE, run: () => clicks.erase() },
      'recheck-domains': { every: 5 * MINUTE, run: () => domains.recheck() },
      'sweep-idempotency-records': { every: 10 * MINUTE, run: () => idempotency.sweep() },
      'purge-tenants': { every: MINUTE, run: () => tenants.purge() },
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    this.queue.on('error', (error) => this.logger.warn({ reason: error.message }, 'The upkeep queue does not answer'));
    for (const [name, { every }] of Object.entries(this.schedule)) {
      await this.queue.upsertJobScheduler(
        name,
        { every },
        { name, opts: { attempts: 3, removeOnFail: { count: 100 } } },
      );
    }
  }

  async process(job: Job): Promise<void> {
    const task = this.schedule[job.name];
    if (!task) throw new Error(`There is no upkeep named ${job.name}`);
    await task.run();
  }
}
