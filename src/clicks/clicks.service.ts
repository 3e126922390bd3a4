import { Inject, Injectable } from '@nestjs/common';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { clicksStored } from '../platform/telemetry/metrics.js';
import type { Click } from './click.js';
import { ClicksRepository } from './clicks.repository.js';

const MONTHS_AHEAD = 3;

@Injectable()
export class ClicksService {
  constructor(
    private readonly clicks: ClicksRepository,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async store(clicks: Click[]): Promise<void> {
    if (clicks.length === 0) return;
    const { stored, outside } = await this.clicks.store(clicks);
    clicksStored.inc(stored);
    if (outside > 0) this.logger.warn({ clicks: outside }, 'Clicks were dropped: no partition is kept for their time');
  }

  async makePartitions(): Promise<void> {
    const made = await this.clicks.makePartitions(MONTHS_AHEAD);
    if (made > 0) this.logger.info({ months: made }, 'Made click partitions ahead');
  }
}
