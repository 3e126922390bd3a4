import { Injectable } from '@nestjs/common';
import { quarterHoursKeptSince } from '../clicks/rollups.reader.js';
import { Config } from '../platform/config/config.js';
import type { Context, Tx } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { TenantTurns } from '../platform/resilience/tenant-turns.js';
import { AnalyticsRepository } from './analytics.repository.js';
import { beforeDetails, tooFine, tooManyQuestions } from './analytics.errors.js';
import type { AnalyticsQuery } from './analytics.schemas.js';
import { answerOf } from './answer.js';
import { ClickFilters } from './click-filters.service.js';
import { cover, type Cover, DAY, fromBeforeAll, uncovered } from './cover.js';
import { type Question, sourceOf, spanKindOf } from './question.js';
import { fittingGranularity, slicesOf, tooManySlices } from './slices.js';
import { timeRange } from './time-range.js';
import { cutsHours, startOfHour } from './whole-hours.js';

const QUARTER_HOUR = 15 * 60_000;
/** Of one tenant, in this process: whatever it asks, others find connections. Those that wait fill a page of charts. */
const MOST_AT_ONCE = 4;
const MOST_WAITING = 16;

/** An answer, and before when its sums were by hour where the question cuts hours in parts. */
export interface Answered {
  answer: object;
  wholeHoursBefore: Date | undefined;
}

@Injectable()
export class AnalyticsService {
  private readonly turns: TenantTurns;

  constructor(
    { poolSize }: Config,
    private readonly transactions: Transactions,
    private readonly analytics: AnalyticsRepository,
    private readonly filters: ClickFilters,
  ) {
    const atOnce = Math.max(1, Math.min(MOST_AT_ONCE, Math.floor(poolSize / 2)));
    this.turns = new TenantTurns(atOnce, MOST_WAITING, tooManyQuestions);
  }

  answer(ctx: Context, query: AnalyticsQuery): Promise<Answered> {
    return this.turns.run(ctx.tenantId, () =>
      this.transactions.read(ctx, async (tx) => {
        const now = new Date();
        const question = await this.question(tx, query, now);
        const covered = await this.cover(tx, question);
        await this.refuseWhatIsGone(tx, { question, covered }, query);
        return {
          answer: answerOf(question, await this.analytics.answer(tx, question, covered)),
          wholeHoursBefore: cutsHours(question) ? question.wholeHoursBefore : undefined,
        };
      }),
    );
  }

  private async question(tx: Tx, query: AnalyticsQuery, now: Date): Promise<Question> {
    const { groupBy, bots, event, limit } = query;
    const filter = await this.filters.resolve(tx, query);
    const range = timeRange(query, now);
    const { to } = range;
    // Single clicks know their moment, however old they are.
    const wholeHoursBefore = sourceOf({ groupBy, filter }).kind === 'clicks' ? undefined : quarterHoursKeptSince(now);
    // Without any click every range is empty; this one is short.
    const start =
      range.from ?? startOfHour((await this.analytics.firstClick(tx)) ?? new Date(to.getTime() - QUARTER_HOUR));
    const slices = groupBy === 'timeseries' ? slicesIn(start, to, query) : [];
    // A range that starts within an hour that is one sum takes it in whole.
    const from = wholeHoursBefore && start < wholeHoursBefore ? startOfHour(start) : start;
    const open = range.from === undefined;
    return { groupBy, start, from, to, slices, wholeHoursBefore, open, filter, bots, event, limit };
  }

  private async cover(tx: Tx, question: Question): Promise<Cover> {
    const kind = spanKindOf(question);
    if (!kind) return uncovered(question);
    const { slices, open } = question;
    const isSeries = question.groupBy === 'timeseries';
    const range = { from: open && !isSeries ? fromBeforeAll(question.from) : question.from, to: question.to };
    const known = await this.analytics.spans(tx, kind, range, slices.slice(1).some(notMidnight));
    return cover(range, known, slices);
  }

  /** A question that single clicks must answer is refused where some of them are gone: it would answer too little. */
  private async refuseWhatIsGone(
    tx: Tx,
    { question, covered }: { question: Question; covered: Cover },
    { start }: AnalyticsQuery,
  ): Promise<void> {
    if (sourceOf(question).kind !== 'clicks') return;
    const since = await this.analytics.detailsSince(tx);
    if (since === undefined) return;
    const gone = covered.rest
      .filter(({ from }) => from < since)
      .map(({ from, to }) => ({ from, to: to < since ? to : since }));
    if (gone.length === 0) return;
    if (await this.analytics.anyCounted(tx, gone)) throw beforeDetails(start ? '/start' : '/interval', since);
  }
}

const notMidnight = (time: Date): boolean => time.getTime() % DAY !== 0;

function slicesIn(from: Date, to: Date, { granularity, timezone }: AnalyticsQuery): Date[] {
  const chosen = granularity === 'auto' ? fittingGranularity(from, to) : granularity;
  if (tooManySlices(from, to, chosen)) throw tooFine();
  return slicesOf(from, to, chosen, timezone);
}
