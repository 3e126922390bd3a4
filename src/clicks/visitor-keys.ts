import { Injectable } from '@nestjs/common';
import { Secrets } from '../platform/secrets/secrets.js';
import { dayOf, firstSaltedDay } from './visitor-hash.js';
import { VisitorSaltsRepository } from './visitor-salts.repository.js';

const PURPOSE = 'visitors';

/**
 * The key of each day's visitors: from the day's salt, so that nobody has it when that is destroyed, and from
 * SECRET_KEY, so that nobody has it from the database alone before.
 */
@Injectable()
export class VisitorKeys {
  private readonly keys = new Map<string, Buffer>();

  constructor(
    private readonly salts: VisitorSaltsRepository,
    private readonly secrets: Secrets,
  ) {}

  /** By UTC day. A day whose salt is destroyed, or that is not yet, has none. */
  async of(days: Set<string>, now: number): Promise<ReadonlyMap<string, Buffer>> {
    const first = firstSaltedDay(now);
    for (const day of this.keys.keys()) if (day < first) this.keys.delete(day);
    for (const day of days) {
      if (this.keys.has(day) || day < first || day > dayOf(now + AHEAD_MS)) continue;
      const salt = await this.salts.saltOf(day);
      this.keys.set(day, this.secrets.keyFor(PURPOSE, salt.toString('base64')));
    }
    return this.keys;
  }
}

/** Clocks differ: around midnight a click may be of tomorrow. */
const AHEAD_MS = 3600 * 1000;
