import { Injectable } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import { clickFreshness, clicksStored } from '../platform/telemetry/metrics.js';
import type { Beginning } from '../platform/telemetry/span.js';
import { Tracing } from '../platform/telemetry/tracing.js';
import type { Click, SpooledClick } from './click.js';
import { ClickDetails } from './click-details.js';
import { ClicksRepository, type Stored } from './clicks.repository.js';
import type { DroppedClick, DropReason } from './dropped.js';
import { traced } from './traced-clicks.js';

const DAY_MS = 24 * 3600 * 1000;
/** How far, in ms, a redirecting machine's clock may be ahead of this one. */
const AHEAD_MS = 3600 * 1000;

const INSERT: Beginning = {
  name: 'INSERT clicks',
  kind: 'client',
  attributes: { 'db.system.name': 'postgresql', 'db.operation.name': 'INSERT', 'db.collection.name': 'clicks' },
};

@Injectable()
export class ClicksService {
  private readonly freshness = clickFreshness.of({});

  constructor(
    private readonly config: Config,
    private readonly details: ClickDetails,
    private readonly clicks: ClicksRepository,
    private readonly tracing: Tracing,
  ) {}

  /**
   * One transaction for all of these clicks, BATCH_SIZE at most; those that are stored already are passed over.
   *
   * @returns those that were dropped
   * @throws when some would be dropped for their time, and this clock is not the database's: they can be stored later
   */
  async store(clicks: SpooledClick[]): Promise<DroppedClick[]> {
    const now = Date.now();
    const timely = clicks.filter((click) => this.untimely(click, now) === undefined);
    const { stored, orphaned, outside } = await this.insert(timely, now);
    clicksStored.inc(stored);
    if (stored > 0) this.noteFreshness(timely);
    const untimely: DroppedClick[] = [
      ...clicks.flatMap((click) => {
        const reason = this.untimely(click, now);
        return reason ? [{ segment: click.segment, reason }] : [];
      }),
      ...outside.map(({ segment }) => ({ segment, reason: 'too_old' as const })),
    ];
    if (untimely.length > 0) await this.clicks.agreedTime();
    return [...untimely, ...orphaned.map(({ segment }) => ({ segment, reason: 'link_deleted' as const }))];
  }

  /** One statement serves thousands of clicks: each that is traced has it as a part of its trace, linked to the whole. */
  private async insert(clicks: SpooledClick[], now: number): Promise<Stored> {
    const store = async (): Promise<Stored> => this.clicks.store(await this.details.of(clicks, now), now);
    if (!this.tracing.on || !clicks.some(({ trace }) => trace !== undefined)) return store();
    const batch = this.tracing.record({
      name: 'store clicks',
      kind: 'internal',
      attributes: { 'waypost.clicks': clicks.length },
    });
    const part = { ...INSERT, links: batch ? [batch.traceparent] : [] };
    try {
      const stored = await traced(this.tracing, clicks, part, store);
      batch?.end({ attributes: { 'waypost.clicks.stored': stored.stored } });
      return stored;
    } catch (error) {
      batch?.end({ error });
      throw error;
    }
  }

  /** Clicks of one frame happened at one time. */
  private noteFreshness(clicks: Click[]): void {
    const now = Date.now();
    const times = new Map<number, number>();
    for (const { occurredAt } of clicks) times.set(occurredAt, (times.get(occurredAt) ?? 0) + 1);
    for (const [at, count] of times) this.freshness.add(Math.max(0, now - at) / 1000, count);
  }

  private untimely({ occurredAt }: Click, now: number): DropReason | undefined {
    if (occurredAt < now - this.config.clickRetentionDays * DAY_MS) return 'too_old';
    return occurredAt > now + AHEAD_MS ? 'in_future' : undefined;
  }
}
