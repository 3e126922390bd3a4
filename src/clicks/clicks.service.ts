import { Inject, Injectable } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import { openFrames } from '../platform/secrets/sealed-frames.js';
import { Secrets } from '../platform/secrets/secrets.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { clicksDropped, clicksStored } from '../platform/telemetry/metrics.js';
import type { Click } from './click.js';
import { ClickDetails } from './click-details.js';
import { BATCH_SIZE, CLICKS_KEY, type ClicksJob } from './clicks.jobs.js';
import { ClicksRepository } from './clicks.repository.js';
import { decodeClicks } from './spool-format.js';

const DAY_MS = 24 * 3600 * 1000;
/** How far, in ms, a redirecting machine's clock may be ahead of this one. */
const AHEAD_MS = 3600 * 1000;

const byTenant = (a: Click, b: Click): number => Number(a.tenantId > b.tenantId) - Number(a.tenantId < b.tenantId);

@Injectable()
export class ClicksService {
  constructor(
    private readonly config: Config,
    private readonly details: ClickDetails,
    private readonly clicks: ClicksRepository,
    private readonly secrets: Secrets,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Stores a segment of a spool. Each batch is a transaction; one that was stored before is not stored again. */
  async storeSegment({ segment, frames: sealed }: ClicksJob): Promise<void> {
    const { frames, torn } = openFrames(this.secrets.keyFor(CLICKS_KEY, segment), Buffer.from(sealed, 'base64'));
    // By tenant: a batch of few tenants adds to few sums, and keeps few tenants waiting.
    const clicks = decodeClicks(segment, frames).toSorted(byTenant);
    if (torn) this.logger.warn({ segment, clicks: clicks.length }, 'A segment was cut at its torn end');
    for (let from = 0; from < clicks.length; from += BATCH_SIZE)
      await this.store(clicks.slice(from, from + BATCH_SIZE));
  }

  /** One transaction for all of these clicks, BATCH_SIZE at most; those that are stored already are passed over. */
  async store(clicks: Click[]): Promise<void> {
    const now = Date.now();
    const oldest = now - this.config.clickRetentionDays * DAY_MS;
    const tooOld = clicks.filter(({ occurredAt }) => occurredAt < oldest).length;
    const timely = clicks.filter(({ occurredAt }) => occurredAt >= oldest && occurredAt <= now + AHEAD_MS);
    const { stored, orphaned, outside } = await this.clicks.store(await this.details.of(timely, now), now);
    clicksStored.inc(stored);
    this.dropped('too_old', tooOld + outside);
    this.dropped('in_future', clicks.length - timely.length - tooOld);
    this.dropped('link_deleted', orphaned);
  }

  private dropped(reason: string, clicks: number): void {
    if (clicks === 0) return;
    clicksDropped.inc({ reason }, clicks);
    this.logger.warn({ reason, clicks }, 'Clicks were dropped');
  }
}
