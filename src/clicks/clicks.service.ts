import { Inject, Injectable } from '@nestjs/common';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { clicksStored } from '../platform/telemetry/metrics.js';
import type { Click } from './click.js';
import { ClicksRepository, type Stored } from './clicks.repository.js';

const MONTHS_AHEAD = 3;

@Injectable()
export class ClicksService {
  constructor(
    private readonly clicks: ClicksRepository,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Stores clicks of a segment in one transaction, and notes there what the segment has come to. Those that were stored
   * before are not stored again.
   */
  async store(clicks: Click[], segment: string): Promise<Stored> {
    const result = await this.clicks.store(clicks, segment);
    clicksStored.inc(result.stored);
    if (result.outside > 0)
      this.logger.warn({ clicks: result.outside }, 'Clicks were dropped: no partition is kept for their time');
    return result;
  }

  async makePartitions(): Promise<void> {
    const made = await this.clicks.makePartitions(MONTHS_AHEAD);
    if (made > 0) this.logger.info({ months: made }, 'Made click partitions ahead');
  }
}
