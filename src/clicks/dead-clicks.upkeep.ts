import { Inject, Injectable } from '@nestjs/common';
import { NIL_UUID } from '../platform/ids.js';
import { Secrets } from '../platform/secrets/secrets.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { DEAD_CLICKS_KEY } from './clicks.jobs.js';
import { DeadClicksRepository } from './dead-clicks.repository.js';

const AT_ONCE = 500;

@Injectable()
export class DeadClicksUpkeep {
  constructor(
    private readonly deadClicks: DeadClicksRepository,
    private readonly secrets: Secrets,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Under SECRET_KEY, what was sealed under one before. @returns how many, and how many nobody here can open */
  async reseal(): Promise<{ resealed: number; unreadable: number }> {
    const counts = { resealed: 0, unreadable: 0 };
    for (let after = NIL_UUID, more = true; more;) {
      const letters = await this.deadClicks.sealedOtherwise(this.secrets.header, after, AT_ONCE);
      for (const { id, sealed } of letters) counts[await this.resealOne(id, sealed)]++;
      more = letters.length === AT_ONCE;
      after = letters.at(-1)?.id ?? after;
    }
    if (counts.resealed > 0) this.logger.info(counts, 'Sealed dead letters under the present SECRET_KEY');
    return counts;
  }

  private async resealOne(id: string, sealed: Buffer): Promise<'resealed' | 'unreadable'> {
    let anew: Buffer;
    try {
      anew = this.secrets.reseal(DEAD_CLICKS_KEY, sealed);
    } catch (error) {
      this.logger.error({ deadLetter: id, reason: String(error) }, 'A dead letter can not be opened');
      return 'unreadable';
    }
    await this.deadClicks.reseal(id, sealed, anew);
    return 'resealed';
  }
}
