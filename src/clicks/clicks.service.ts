import { Inject, Injectable } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { clicksDropped, clicksStored } from '../platform/telemetry/metrics.js';
import type { Click } from './click.js';
import { ClickDetails } from './click-details.js';
import { ClicksRepository } from './clicks.repository.js';

const DAY_MS = 24 * 3600 * 1000;
/** How far, in ms, a redirecting machine's clock may be ahead of this one. */
const AHEAD_MS = 3600 * 1000;

@Injectable()
export class ClicksService {
  constructor(
    private readonly config: Config,
    private readonly details: ClickDetails,
    private readonly clicks: ClicksRepository,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * One transaction for all of these clicks of a segment, BATCH_SIZE at most; those that are stored already are passed
   * over.
   *
   * @returns how many were dropped
   */
  async store(clicks: Click[], segment: string): Promise<number> {
    const now = Date.now();
    const oldest = now - this.config.clickRetentionDays * DAY_MS;
    const tooOld = clicks.filter(({ occurredAt }) => occurredAt < oldest).length;
    const timely = clicks.filter(({ occurredAt }) => occurredAt >= oldest && occurredAt <= now + AHEAD_MS);
    const { stored, orphaned, outside } = await this.clicks.store(await this.details.of(timely, now), segment, now);
    clicksStored.inc(stored);
    this.dropped('too_old', tooOld + outside);
    this.dropped('in_future', clicks.length - timely.length - tooOld);
    this.dropped('link_deleted', orphaned);
    return clicks.length - timely.length + outside + orphaned;
  }

  private dropped(reason: string, clicks: number): void {
    if (clicks === 0) return;
    clicksDropped.inc({ reason }, clicks);
    this.logger.warn({ reason, clicks }, 'Clicks were dropped');
  }
}
