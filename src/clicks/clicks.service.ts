import { Inject, Injectable } from '@nestjs/common';
import { openFrames } from '../platform/secrets/sealed-frames.js';
import { Secrets } from '../platform/secrets/secrets.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { clicksStored } from '../platform/telemetry/metrics.js';
import type { Click } from './click.js';
import { BATCH_SIZE, CLICKS_KEY, type ClicksJob } from './clicks.jobs.js';
import { ClicksRepository } from './clicks.repository.js';
import { decodeClicks } from './spool-format.js';

const MONTHS_AHEAD = 3;

@Injectable()
export class ClicksService {
  constructor(
    private readonly clicks: ClicksRepository,
    private readonly secrets: Secrets,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Stores a segment of a spool. Each batch is a transaction; one that was stored before is not stored again. */
  async storeSegment({ segment, frames: sealed }: ClicksJob): Promise<void> {
    const { frames, torn } = openFrames(this.secrets.keyFor(CLICKS_KEY, segment), Buffer.from(sealed, 'base64'));
    const clicks = decodeClicks(segment, frames);
    if (torn) this.logger.warn({ segment, clicks: clicks.length }, 'A segment was cut at its torn end');
    for (let from = 0; from < clicks.length; from += BATCH_SIZE)
      await this.store(clicks.slice(from, from + BATCH_SIZE));
  }

  private async store(clicks: Click[]): Promise<void> {
    const { stored, outside } = await this.clicks.store(clicks);
    clicksStored.inc(stored);
    if (outside > 0) this.logger.warn({ clicks: outside }, 'Clicks were dropped: no partition is kept for their time');
  }

  async makePartitions(): Promise<void> {
    const made = await this.clicks.makePartitions(MONTHS_AHEAD);
    if (made > 0) this.logger.info({ months: made }, 'Made click partitions ahead');
  }
}
