import { Injectable } from '@nestjs/common';
import { isDataFault } from '../platform/database/database-errors.js';
import { storeApart } from './batch-splitter.js';
import type { Click, SpooledClick } from './click.js';
import { BATCH_SIZE } from './clicks.jobs.js';
import { ClicksService } from './clicks.service.js';
import { DeadClicksService } from './dead-clicks.service.js';
import { addTo, type Dropped } from './dropped.js';
import { Gathering } from './gathering.js';

/** Clicks of one round, unless a single segment has more: what comes during a round waits for its end. */
const ROUND_CLICKS = 20_000;

/** What is to be stored of a segment in one of its turns. */
interface Part {
  segment: string;
  turn: number;
  clicks: SpooledClick[];
}

/**
 * Stores the clicks of several segments together. A batch of few tenants adds to few sums: the more segments wait, the
 * more clicks of a tenant there are in one batch.
 */
@Injectable()
export class ClickRoundsService {
  private readonly gathering = new Gathering<Part, Dropped>(roundOf, (parts) => this.storeAll(parts));

  constructor(
    private readonly clicks: ClicksService,
    private readonly deadClicks: DeadClicksService,
  ) {}

  /**
   * Each batch is a transaction; what was stored before is not stored again.
   *
   * @returns what was dropped
   * @throws when something besides the clicks is to blame: all of it is to be tried again
   */
  async store(part: Part): Promise<Dropped> {
    return part.clicks.length > 0 ? this.gathering.join(part) : {};
  }

  private async storeAll(parts: Part[]): Promise<Dropped[]> {
    const dropped = new Map(parts.map(({ segment }) => [segment, {} as Dropped]));
    await fromBothEnds(batchesOf(parts.flatMap(({ clicks }) => clicks)), (batch) =>
      storeApart(batch, {
        store: async (some) => {
          for (const { segment, reason } of await this.clicks.store(some)) addTo(dropped.get(segment), reason);
        },
        isFault: isDataFault,
        bury: (click, error) => this.deadClicks.buryClick(click, error),
      }),
    );
    return parts.map(({ segment }) => dropped.get(segment) ?? {});
  }
}

/** Earlier turns first. Of a segment that was delivered twice one waits: a round has each click once. */
function roundOf(waiting: Part[]): Part[] {
  const round = new Map<string, Part>();
  let clicks = 0;
  for (const part of waiting.toSorted((a, b) => a.turn - b.turn)) {
    if (round.has(part.segment)) continue;
    if (clicks > 0 && clicks + part.clicks.length > ROUND_CLICKS) continue;
    clicks += part.clicks.length;
    round.set(part.segment, part);
  }
  return [...round.values()];
}

/** By link within a tenant: each batch adds to the sums of few links, and has few in common with others. */
const byLink = (a: Click, b: Click): number => compare(a.tenantId, b.tenantId) || compare(a.linkId, b.linkId);
const compare = (a: string, b: string): number => Number(a > b) - Number(a < b);

function batchesOf(clicks: SpooledClick[]): SpooledClick[][] {
  const sorted = clicks.toSorted(byLink);
  return Array.from({ length: Math.ceil(sorted.length / BATCH_SIZE) }, (_, n) =>
    sorted.slice(n * BATCH_SIZE, (n + 1) * BATCH_SIZE),
  );
}

/** Two at a time, so that one is made while the other is stored; from both ends, since neighbours share a tenant. */
async function fromBothEnds<T>(all: T[], work: (one: T) => Promise<void>): Promise<void> {
  const workOff = async (take: () => T | undefined): Promise<void> => {
    try {
      for (let one = take(); one !== undefined; one = take()) await work(one);
    } catch (error) {
      all.length = 0;
      throw error;
    }
  };
  const ends = await Promise.allSettled([workOff(() => all.shift()), workOff(() => all.pop())]);
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}
