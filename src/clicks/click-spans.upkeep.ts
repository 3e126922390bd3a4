import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { NIL_UUID } from '../platform/ids.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { ClickSpansRepository, type DueSpans } from './click-spans.repository.js';
import { LEVELS, type SpanLevel } from './span-levels.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Clicks are stored within a minute: a span that is made sooner is soon made again. */
const SETTLED_MS = 2 * 60_000;
const RECENT_MS = 2 * DAY;
/** Other upkeep waits no longer than this. */
const LONGEST_MS = 10_000;
const TENANTS_AT_ONCE = 200;
/** Made in one transaction: a tenant of some size has a million rows there at most. */
const SPANS_AT_ONCE = 4;

/** Keeps the sums of longer times up to date. Where it is behind, answers are right, and slower. */
@Injectable()
export class ClickSpansUpkeep implements OnModuleDestroy {
  /** All tenants up to this one have been looked at altogether. */
  private lookedAt = NIL_UUID;
  private stopping = false;

  constructor(
    private readonly spans: ClickSpansRepository,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** What is recent of all tenants, then everything of some of them. What takes too long is left to the next time. */
  async keep(now = Date.now()): Promise<void> {
    const deadline = Date.now() + LONGEST_MS;
    const mayGoOn = (): boolean => !this.stopping && Date.now() < deadline;
    const recent = await this.make({ tenants: undefined, since: midnight(now) - RECENT_MS, now, mayGoOn });
    const tenants = await this.spans.tenantsAfter(this.lookedAt, TENANTS_AT_ONCE);
    const older = await this.make({ tenants, since: 0, now, mayGoOn });
    if (mayGoOn()) this.lookedAt = tenants.at(-1) ?? NIL_UUID;
    if (recent + older > 0) this.logger.debug({ spans: recent + older }, 'Summed clicks of longer times');
  }

  /** Makes what is missing or out of date, each length from the one before. @returns how many spans were made */
  async make(task: Task): Promise<number> {
    let made = 0;
    for (const level of LEVELS) {
      const due = task.mayGoOn() ? await this.spans.due(level, lookoutOf(level, task)) : [];
      for (const part of due.flatMap(inParts)) if (task.mayGoOn()) made += await this.spans.make(level, part);
      if (level.passing) await this.forget(level, task);
    }
    return made;
  }

  onModuleDestroy(): void {
    this.stopping = true;
  }

  /** Yesterday's are kept until its span is there for sure. */
  private async forget(level: SpanLevel, { tenants = [], now, mayGoOn }: Task): Promise<void> {
    for (const tenantId of tenants)
      if (mayGoOn()) await this.spans.dropBefore(level, tenantId, new Date(midnight(now) - DAY));
  }
}

interface Task {
  /** Undefined: all. */
  tenants: string[] | undefined;
  since: number;
  now: number;
  mayGoOn: () => boolean;
}

const midnight = (time: number): number => down(time, DAY);
const down = (time: number, step: number): number => Math.floor(time / step) * step;

/** Whole spans that have ended. */
function lookoutOf({ hours, passing }: SpanLevel, { tenants, since, now }: Task) {
  const length = hours * HOUR;
  return {
    tenants,
    since: new Date(down(passing ? midnight(now) : since, length)),
    until: new Date(down(now - SETTLED_MS, length)),
  };
}

const inParts = ({ tenantId, firsts }: DueSpans): DueSpans[] =>
  Array.from({ length: Math.ceil(firsts.length / SPANS_AT_ONCE) }, (_, n) => ({
    tenantId,
    firsts: firsts.slice(n * SPANS_AT_ONCE, (n + 1) * SPANS_AT_ONCE),
  }));
