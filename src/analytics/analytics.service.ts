import { Injectable } from '@nestjs/common';
import { DomainsReader } from '../domains/domains.reader.js';
import { LinksReader } from '../links/links.reader.js';
import type { Context, Tx } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { AnalyticsRepository, type ClickFilter, type Slice } from './analytics.repository.js';
import type { AnalyticsQuery } from './analytics.schemas.js';
import { timeRange } from './time-range.js';

@Injectable()
export class AnalyticsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly analytics: AnalyticsRepository,
    private readonly links: LinksReader,
    private readonly domains: DomainsReader,
  ) {}

  async answer(ctx: Context, query: AnalyticsQuery): Promise<number | Slice[]> {
    const range = timeRange(query, new Date());
    return this.transactions.read(ctx, async (tx) => {
      const filter = await this.filter(tx, query);
      return query.groupBy === 'count'
        ? this.analytics.count(tx, range, filter)
        : this.analytics.timeseries(tx, range, filter, query.timezone);
    });
  }

  /** Names become ids; a link or domain the tenant does not have is a 404, not a zero. */
  private async filter(tx: Tx, { linkId, domain, key }: AnalyticsQuery): Promise<ClickFilter> {
    if (linkId !== undefined) return { linkId: await this.links.existing(tx, linkId) };
    if (domain === undefined) return {};
    return key === undefined
      ? { domainId: (await this.domains.existing(tx, domain)).id }
      : { linkId: await this.links.idOf(tx, domain, key) };
  }
}
