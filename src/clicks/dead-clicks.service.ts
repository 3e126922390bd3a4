import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectQueue } from '@nestjs/bullmq';
import type { Queue } from 'bullmq';
import { v5, validate } from 'uuid';
import { Secrets } from '../platform/secrets/secrets.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { clicksQueued, deadLetters, segmentsQueued } from '../platform/telemetry/gauges.js';
import { clicksDead } from '../platform/telemetry/metrics.js';
import { SlowLook } from '../platform/telemetry/slow-look.js';
import type { SpooledClick } from './click.js';
import { CLICKS_QUEUE, type ClicksJob, DEAD_CLICKS_KEY, type DeadLetter } from './clicks.jobs.js';
import { DeadClicksRepository } from './dead-clicks.repository.js';
import { QueuedClicks } from './queued-clicks.reader.js';

/** Of the ids that are made from a name, for what has no id of its own. */
const NAMESPACE = '0198f5c2-7f0a-7c1e-9a55-6d1f4b0a9f11';
const MAX_ERROR = 1_000;
/** What adds up is only seen to do so in figures of one moment: scrapes alone share these. */
const LOOKED_AT_EVERY_MS = 500;
const UNFINISHED = ['waiting', 'prioritized', 'active', 'delayed', 'failed'] as const;

/** Keeps what can not be stored, with the reason, until an operator has it tried again. */
@Injectable()
export class DeadClicksService implements OnModuleInit {
  constructor(
    private readonly deadClicks: DeadClicksRepository,
    private readonly secrets: Secrets,
    @InjectQueue(CLICKS_QUEUE) private readonly queue: Queue<ClicksJob>,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onModuleInit(): void {
    const queued = new QueuedClicks(this.queue, this.secrets);
    clicksQueued.watch(
      {},
      this.orUnknown('queued clicks', () => queued.count()),
    );
    deadLetters.watch(
      {},
      this.orUnknown('dead letters', () => this.deadClicks.waiting()),
    );
    segmentsQueued.watch(
      {},
      this.orUnknown('queued segments', () => this.queue.getJobCountByTypes(...UNFINISHED)),
    );
  }

  async buryClick({ segment, ...click }: SpooledClick, error: unknown): Promise<void> {
    await this.bury({ click, segment }, error, {
      // It has no id if its segment has none that is one.
      id: validate(click.id) ? click.id : v5(`${segment} ${click.id}`, NAMESPACE),
      tenantId: validate(click.tenantId) ? click.tenantId : null,
      kind: 'click' as const,
      hasAddress: click.address !== '',
    });
  }

  /** How many clicks it has nobody can say. */
  async burySegment(job: ClicksJob, error: unknown): Promise<void> {
    const id = v5(`segment ${job.segment}`, NAMESPACE);
    await this.bury({ job, segment: job.segment }, error, { id, tenantId: null, kind: 'segment', hasAddress: true });
  }

  private async bury(
    letter: DeadLetter,
    error: unknown,
    facts: { id: string; tenantId: string | null; kind: 'click' | 'segment'; hasAddress: boolean },
  ): Promise<void> {
    const sealed = this.secrets.seal(DEAD_CLICKS_KEY, JSON.stringify(letter));
    const reason = storable(error);
    const segment = storable(letter.segment);
    if (!(await this.deadClicks.bury({ ...facts, segment, error: reason, sealed }))) return;
    clicksDead.inc();
    this.logger.error({ ...facts, segment, reason }, 'A dead letter: this can not be stored');
  }

  private orUnknown(what: string, count: () => Promise<number>): () => Promise<number> {
    const look = new SlowLook(what, count, this.logger, LOOKED_AT_EVERY_MS);
    return async () => (await look.now()) ?? Number.NaN;
  }
}

/** PostgreSQL can not store every text, not even every one that it complains about. */
const storable = (text: unknown): string =>
  String(text).replaceAll('\0', '').toWellFormed().slice(0, MAX_ERROR).toWellFormed();
