import { InjectQueue } from '@nestjs/bullmq';
import { Inject, Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { validate } from 'uuid';
import { openFramesWithAny } from '../platform/secrets/sealed-frames.js';
import { Secrets } from '../platform/secrets/secrets.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { clicksDropped } from '../platform/telemetry/metrics.js';
import type { Beginning } from '../platform/telemetry/span.js';
import { Tracing } from '../platform/telemetry/tracing.js';
import type { SpooledClick } from './click.js';
import { ClickRoundsService } from './click-rounds.service.js';
import { CLICKS_JOB_OPTIONS, CLICKS_KEY, CLICKS_QUEUE, type ClicksJob } from './clicks.jobs.js';
import { DeadClicksService } from './dead-clicks.service.js';
import { type Dropped, reasonsOf, together } from './dropped.js';
import { SegmentsRepository } from './segments.repository.js';
import { decodeClicks } from './spool-format.js';
import { traced } from './traced-clicks.js';
import { shareOf } from './turns.js';

/** Accounts for each click of a segment: it is stored, dropped for its time, or a dead letter. */
@Injectable()
export class SegmentsService {
  constructor(
    private readonly rounds: ClickRoundsService,
    private readonly deadClicks: DeadClicksService,
    private readonly segments: SegmentsRepository,
    private readonly secrets: Secrets,
    @InjectQueue(CLICKS_QUEUE) private readonly queue: Queue<ClicksJob>,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly tracing: Tracing,
  ) {}

  /**
   * While other segments wait, the clicks of tenants that have many in this one are put off until those had their turn.
   *
   * @returns an error when nothing could be read of it, and it became a dead letter as it is
   * @throws when something besides the clicks is to blame: all of it is to be tried again
   */
  async store(job: ClicksJob): Promise<Error | undefined> {
    const clicks = this.open(job);
    if (clicks instanceof Error) {
      await this.deadClicks.burySegment(job, clicks);
      if (validate(job.segment)) await this.settle(job, 0, {});
      return clicks;
    }
    const { segment, turn = 0 } = job;
    const { now, next } = shareOf(clicks, turn, await this.othersWait(turn));
    const stored = await traced(this.tracing, now, jobOf(segment), () =>
      this.rounds.store({ segment, turn, clicks: now }),
    );
    const dropped = together(job.dropped, stored);
    if (next === undefined) await this.settle(job, clicks.length, dropped);
    else await this.putOff({ ...job, turn: next, dropped });
    return undefined;
  }

  private async othersWait(turn: number): Promise<boolean> {
    const waiting = await this.queue.getCountsPerPriority(Array.from({ length: turn + 1 }, (_, n) => n));
    return Object.values(waiting).some((segments) => segments > 0);
  }

  /** As a job of its own, which the queue has before this one is done. Without priority goes before any. */
  private async putOff(job: ClicksJob & { turn: number }): Promise<void> {
    const jobId = `${job.segment}.${job.turn}`;
    await this.queue.add('store', job, { jobId, priority: job.turn, ...CLICKS_JOB_OPTIONS });
  }

  private async settle({ segment, spool, number }: ClicksJob, clicks: number, dropped: Dropped): Promise<void> {
    const origin = validate(spool) && Number.isInteger(number) ? { spool, number } : {};
    const all = reasonsOf(dropped).reduce((sum, [, count]) => sum + count, 0);
    // Counted with the first settlement alone, as in the ledger.
    if (!(await this.segments.settle({ ...origin, segment, clicks, dropped: all }))) return;
    for (const [reason, count] of reasonsOf(dropped)) {
      clicksDropped.inc({ reason }, count);
      this.logger.warn({ segment, reason, clicks: count }, 'Clicks were dropped');
    }
  }

  /** @returns an error for one that nothing can be read of; what is torn at its end was never answered */
  private open({ segment, frames: sealed }: ClicksJob): SpooledClick[] | Error {
    if (!validate(segment)) return new Error('Its id is no UUID');
    const { frames, torn } = openFramesWithAny(
      this.secrets.keysFor(CLICKS_KEY, segment),
      Buffer.from(sealed, 'base64'),
    );
    if (torn && frames.length === 0) return new Error('It can not be opened: not of this SECRET_KEY, or not whole');
    try {
      const clicks = decodeClicks(segment, frames).map((click) => Object.assign(click, { segment }));
      if (torn) this.logger.warn({ segment, clicks: clicks.length }, 'A segment was cut at its torn end');
      return clicks;
    } catch (error) {
      return error as Error;
    }
  }
}

const jobOf = (segment: string): Beginning => ({
  name: 'process click',
  kind: 'consumer',
  attributes: { 'messaging.system': 'bullmq', 'messaging.destination.name': CLICKS_QUEUE, 'waypost.segment': segment },
});
