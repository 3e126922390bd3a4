import { Injectable } from '@nestjs/common';
import type { SpooledClick } from './click.js';
import { type ClickRow, rowOf } from './click-row.js';
import { GeoDatabase } from './geo-database.js';
import { placeOf } from './geography.js';
import { dayOf, visitorOf } from './visitor-hash.js';
import { VisitorKeys } from './visitor-keys.js';

/** Finds out what is stored of clicks. What goes in has an address; what comes out has none. */
@Injectable()
export class ClickDetails {
  constructor(
    private readonly places: GeoDatabase,
    private readonly keys: VisitorKeys,
  ) {}

  async of(clicks: SpooledClick[], now: number): Promise<ClickRow[]> {
    const keys = await this.keys.of(new Set(clicks.map(({ occurredAt }) => dayOf(occurredAt))), now);
    return clicks.map((click) => {
      const key = click.optedOut || click.address === '' ? undefined : keys.get(dayOf(click.occurredAt));
      const visitor = key && visitorOf(key, click.tenantId, click.address, click.userAgent);
      return rowOf(click, placeOf(click.country, this.places.find(click.address)), visitor);
    });
  }
}
