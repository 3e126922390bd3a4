import { Injectable } from '@nestjs/common';
import type { Context, Tx } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { AnalyticsRepository } from './analytics.repository.js';
import { beforeDetails, tooFine } from './analytics.errors.js';
import type { AnalyticsQuery } from './analytics.schemas.js';
import { answerOf } from './answer.js';
import { ClickFilters } from './click-filters.service.js';
import { type Question, sourceOf } from './question.js';
import { fittingGranularity, slicesOf, tooManySlices } from './slices.js';
import { timeRange } from './time-range.js';

const QUARTER_HOUR = 15 * 60_000;

@Injectable()
export class AnalyticsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly analytics: AnalyticsRepository,
    private readonly filters: ClickFilters,
  ) {}

  async answer(ctx: Context, query: AnalyticsQuery): Promise<object> {
    return this.transactions.read(ctx, async (tx) => {
      const question = await this.question(tx, query);
      await this.refuseWhatIsGone(tx, question, query);
      return answerOf(question, await this.analytics.answer(tx, question));
    });
  }

  private async question(tx: Tx, query: AnalyticsQuery): Promise<Question> {
    const { groupBy, bots, event, limit } = query;
    const filter = await this.filters.resolve(tx, query);
    const range = timeRange(query, new Date());
    const { to } = range;
    // Without any click every range is empty; this one is short.
    const from = range.from ?? (await this.analytics.firstClick(tx)) ?? new Date(to.getTime() - QUARTER_HOUR);
    const slices = groupBy === 'timeseries' ? slicesIn(from, to, query) : [];
    return { groupBy, from, to, slices, open: range.from === undefined, filter, bots, event, limit };
  }

  /** A question that single clicks must answer is refused where some of them are gone: it would answer too little. */
  private async refuseWhatIsGone(tx: Tx, question: Question, { start }: AnalyticsQuery): Promise<void> {
    if (sourceOf(question).kind !== 'clicks') return;
    const since = await this.analytics.detailsSince(tx);
    if (since === undefined || question.from >= since) return;
    const first = await this.analytics.firstClick(tx);
    if (first && first < since) throw beforeDetails(start ? '/start' : '/interval', since);
  }
}

function slicesIn(from: Date, to: Date, { granularity, timezone }: AnalyticsQuery): Date[] {
  const chosen = granularity === 'auto' ? fittingGranularity(from, to) : granularity;
  if (tooManySlices(from, to, chosen)) throw tooFine();
  return slicesOf(from, to, chosen, timezone);
}
