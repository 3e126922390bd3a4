import { Inject, Injectable } from '@nestjs/common';
import { validate } from 'uuid';
import { isDataFault } from '../platform/database/database-errors.js';
import { openFrames } from '../platform/secrets/sealed-frames.js';
import { Secrets } from '../platform/secrets/secrets.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { storeApart } from './batch-splitter.js';
import type { Click } from './click.js';
import { BATCH_SIZE, CLICKS_KEY, type ClicksJob } from './clicks.jobs.js';
import { ClicksService } from './clicks.service.js';
import { DeadClicksService } from './dead-clicks.service.js';
import { SegmentsRepository } from './segments.repository.js';
import { decodeClicks } from './spool-format.js';

const byTenant = (a: Click, b: Click): number => Number(a.tenantId > b.tenantId) - Number(a.tenantId < b.tenantId);

/** Accounts for each click of a segment: it is stored, dropped for its time, or a dead letter. */
@Injectable()
export class SegmentsService {
  constructor(
    private readonly clicks: ClicksService,
    private readonly deadClicks: DeadClicksService,
    private readonly segments: SegmentsRepository,
    private readonly secrets: Secrets,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Each batch is a transaction; one that was stored before is not stored again.
   *
   * @returns an error when nothing could be read of it, and it became a dead letter as it is
   * @throws when something besides the clicks is to blame: all of it is to be tried again
   */
  async store(job: ClicksJob): Promise<Error | undefined> {
    const clicks = this.open(job);
    if (clicks instanceof Error) {
      await this.deadClicks.burySegment(job, clicks);
      if (validate(job.segment)) await this.settle(job, 0, 0);
      return clicks;
    }
    let dropped = 0;
    for (let from = 0; from < clicks.length; from += BATCH_SIZE) {
      await storeApart(clicks.slice(from, from + BATCH_SIZE), {
        store: async (some) => {
          dropped += await this.clicks.store(some, job.segment);
        },
        isFault: isDataFault,
        bury: (click, error) => this.deadClicks.buryClick(job.segment, click, error),
      });
    }
    await this.settle(job, clicks.length, dropped);
    return undefined;
  }

  private async settle({ segment, spool, number }: ClicksJob, clicks: number, dropped: number): Promise<void> {
    const origin = validate(spool) && Number.isInteger(number) ? { spool, number } : {};
    await this.segments.settle({ ...origin, segment, clicks, dropped });
  }

  /** @returns an error for one that nothing can be read of; what is torn at its end was never answered */
  private open({ segment, frames: sealed }: ClicksJob): Click[] | Error {
    if (!validate(segment)) return new Error('Its id is no UUID');
    const { frames, torn } = openFrames(this.secrets.keyFor(CLICKS_KEY, segment), Buffer.from(sealed, 'base64'));
    if (torn && frames.length === 0) return new Error('It can not be opened: not of this SECRET_KEY, or not whole');
    try {
      // By tenant: a batch of few tenants adds to few sums, and keeps few tenants waiting.
      const clicks = decodeClicks(segment, frames).toSorted(byTenant);
      if (torn) this.logger.warn({ segment, clicks: clicks.length }, 'A segment was cut at its torn end');
      return clicks;
    } catch (error) {
      return error as Error;
    }
  }
}
