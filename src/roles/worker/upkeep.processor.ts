import { InjectQueue, Processor, WorkerHost } from '@nestjs/bullmq';
import { Inject, type OnApplicationBootstrap } from '@nestjs/common';
import type { Job, Queue } from 'bullmq';
import { ClickSpansUpkeep } from '../../clicks/click-spans.upkeep.js';
import { ClicksUpkeep } from '../../clicks/clicks.upkeep.js';
import { DeadClicksUpkeep } from '../../clicks/dead-clicks.upkeep.js';
import { LedgerUpkeep } from '../../clicks/ledger.upkeep.js';
import type { Difference } from '../../clicks/reconciliation.js';
import { DomainsUpkeep } from '../../domains/domains.upkeep.js';
import { type LinkPosition, LinksUpkeep } from '../../links/links.upkeep.js';
import { Config } from '../../platform/config/config.js';
import { IdempotencyUpkeep } from '../../platform/idempotency/idempotency.upkeep.js';
import { newId } from '../../platform/ids.js';
import { timeJob } from '../../platform/queue/time-job.js';
import { watchQueue } from '../../platform/queue/watch-queue.js';
import { DeploymentKeysUpkeep } from '../../platform/secrets/deployment-keys.upkeep.js';
import { ledgerDrift, ledgerMissing, upkeepInterval, upkeepSuccess } from '../../platform/telemetry/gauges.js';
import { type Logger, LOGGER } from '../../platform/telemetry/logger.js';
import { type Outcome, UpkeepRuns } from '../../platform/upkeep/upkeep-runs.js';
import { TenantsUpkeep } from '../../tenants/tenants.upkeep.js';

export const UPKEEP_QUEUE = 'upkeep';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const OPTIONS = { attempts: 3, removeOnFail: { count: 100 } };

/** Jobs on schedule. The scheduler lives in the queue: however many workers there are, each job runs once. */
@Processor(UPKEEP_QUEUE)
export class UpkeepProcessor extends WorkerHost implements OnApplicationBootstrap {
  private readonly schedule: Record<string, { every: number; run: (after?: LinkPosition) => Promise<Outcome | void> }>;

  constructor(
    @InjectQueue(UPKEEP_QUEUE) private readonly queue: Queue,
    @Inject(LOGGER) private readonly logger: Logger,
    clicks: ClicksUpkeep,
    clickSpans: ClickSpansUpkeep,
    ledger: LedgerUpkeep,
    deadClicks: DeadClicksUpkeep,
    deploymentKeys: DeploymentKeysUpkeep,
    private readonly domains: DomainsUpkeep,
    idempotency: IdempotencyUpkeep,
    private readonly links: LinksUpkeep,
    tenants: TenantsUpkeep,
    private readonly runs: UpkeepRuns,
    { destinationRecheckMs }: Config,
  ) {
    super();
    this.schedule = {
      'make-click-partitions': { every: 6 * HOUR, run: () => clicks.makePartitions() },
      'keep-click-spans': { every: 5 * MINUTE, run: () => clickSpans.keep() },
      'redrive-dead-letters': { every: 5_000, run: () => ledger.redrive() },
      'reconcile-ledger': { every: HOUR, run: async () => ({ ...(await ledger.reconcile()) }) },
      'forget-ledger': { every: HOUR, run: () => ledger.forget() },
      'forget-visitors': { every: HOUR, run: () => clicks.forgetVisitors() },
      'expire-clicks': { every: 6 * HOUR, run: () => clicks.expire() },
      'compact-rollups': { every: 10 * MINUTE, run: () => clicks.compact() },
      'erase-clicks': { every: MINUTE, run: () => clicks.erase() },
      'recheck-domains': { every: 5 * MINUTE, run: () => domains.recheck() },
      'recheck-destinations': { every: destinationRecheckMs, run: (after) => this.recheckDestinations(after) },
      'sweep-idempotency-records': { every: 10 * MINUTE, run: () => idempotency.sweep() },
      'reseal-dead-letters': { every: HOUR, run: async () => void (await deadClicks.reseal()) },
      'reseal-deployment-keys': { every: HOUR, run: async () => void (await deploymentKeys.reseal()) },
      'purge-tenants': { every: MINUTE, run: () => tenants.purge() },
    };
  }

  async onApplicationBootstrap(): Promise<void> {
    this.watch();
    this.queue.on('error', (error) => this.logger.warn({ reason: error.message }, 'The upkeep queue does not answer'));
    for (const [name, { every }] of Object.entries(this.schedule)) {
      await this.queue.upsertJobScheduler(name, { every }, { name, opts: OPTIONS });
    }
  }

  async process(job: Job): Promise<void> {
    const task = this.schedule[job.name];
    if (!task) throw new Error(`There is no upkeep named ${job.name}`);
    await timeJob(UPKEEP_QUEUE, async () => {
      const outcome = await task.run((job.data as { after?: LinkPosition } | undefined)?.after);
      await this.runs.note(job.name, outcome ?? undefined);
    });
  }

  private watch(): void {
    watchQueue(this.queue, this.logger);
    for (const [job, { every }] of Object.entries(this.schedule)) {
      upkeepInterval.watch({ task: job }, () => every / 1000);
      upkeepSuccess.watch({ task: job }, async () => (await this.runs.last(job))?.succeededAt);
    }
    const reconciled = async (figure: keyof Difference): Promise<number | undefined> =>
      (await this.runs.last('reconcile-ledger'))?.outcome?.[figure];
    for (const check of ['segments', 'days', 'rollups'] as const) ledgerDrift.watch({ check }, () => reconciled(check));
    ledgerMissing.watch({}, () => reconciled('missingSegments'));
  }

  /** Piece by piece, each a job of its own: the rest of the upkeep has its turn in between. */
  private async recheckDestinations(after: LinkPosition | undefined): Promise<void> {
    if (!after) await this.domains.recheckDestinations();
    const next = await this.links.recheckDestinations(after);
    // With an id of our own: for one of its own the queue would make a sequence, which its role may not.
    const options = { ...OPTIONS, jobId: newId(), removeOnComplete: true };
    if (next) await this.queue.add('recheck-destinations', { after: next }, options);
  }
}
