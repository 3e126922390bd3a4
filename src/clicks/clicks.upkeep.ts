import { Inject, Injectable } from '@nestjs/common';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { ClicksRepository } from './clicks.repository.js';
import { firstSaltedDay } from './visitor-hash.js';
import { VisitorSaltsRepository } from './visitor-salts.repository.js';

const MONTHS_AHEAD = 3;

@Injectable()
export class ClicksUpkeep {
  constructor(
    private readonly clicks: ClicksRepository,
    private readonly salts: VisitorSaltsRepository,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async makePartitions(): Promise<void> {
    const made = await this.clicks.makePartitions(MONTHS_AHEAD);
    if (made > 0) this.logger.info({ months: made }, 'Made click partitions ahead');
  }

  /** Two days after a day's end nobody can tell any more who its visitors were. */
  async forgetVisitors(now = Date.now()): Promise<void> {
    const day = firstSaltedDay(now);
    const days = await this.salts.destroyBefore(day);
    if (days > 0) this.logger.info({ days }, 'Destroyed the salts of visitors');
    for (const tenantId of await this.salts.tenantsSeenBefore(day)) {
      while (await this.salts.forget(tenantId, day));
    }
  }
}
