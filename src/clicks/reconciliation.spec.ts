import { describe, expect, it } from '@jest/globals';
import type { Queue } from 'bullmq';
import { Secrets } from '../platform/secrets/secrets.js';
import type { ClicksJob } from './clicks.jobs.js';
import { type InFlight, inQueue } from './in-flight.reader.js';
import type { LedgerFacts, SpoolAccount } from './ledger.reader.js';
import { reconcile } from './reconciliation.js';

const account = (changes: Partial<SpoolAccount> = {}): SpoolAccount => ({
  spool: 'a',
  segments: 3,
  clicks: 30,
  stored: 27,
  dropped: 2,
  dead: 1,
  highest: 2,
  ...changes,
});
const facts = (changes: Partial<LedgerFacts> = {}): LedgerFacts => ({
  spools: [account()],
  gaps: [],
  unbalanced: [],
  unfinished: [],
  settled: [],
  differences: [],
  unreadable: 0,
  ...changes,
});
const waiting = (number: number, changes: Partial<InFlight> = {}): InFlight => ({
  segment: `s${number}`,
  spool: 'a',
  number,
  clicks: 10,
  where: 'queue',
  ...changes,
});

describe('reconciliation', () => {
  it('adds up what is settled and what is in flight, of each spool and of all', () => {
    const spools = [account(), account({ spool: null, highest: null })];
    const result = reconcile([waiting(3), waiting(4, { where: 'spool' })], facts({ spools }));
    const settled = { accepted: 30, stored: 27, dropped: 2, dead: 1, inFlight: 0 };
    expect(result).toEqual({
      spools: { a: { ...settled, accepted: 50, inFlight: 20 }, unknown: settled },
      total: { accepted: 80, stored: 54, dropped: 4, dead: 2, inFlight: 20 },
      inSpools: 10,
      inQueue: 10,
      unreadable: 0,
      drift: [],
      difference: { segments: 0, days: 0, rollups: 0, missingSegments: 0 },
    });
  });

  it('counts a segment once that is met in the spool, in the queue, and settled', () => {
    const seen = [waiting(2, { where: 'spool' }), waiting(2), waiting(3, { where: 'spool' }), waiting(3)];
    const { total, inQueue, inSpools, drift } = reconcile(seen, facts({ settled: ['s2'] }));
    expect([total.accepted, total.inFlight, inQueue, inSpools, drift]).toEqual([40, 10, 10, 0, []]);
  });

  it('tells apart what a segment in flight has stored already', () => {
    const { total, drift } = reconcile([waiting(3)], facts({ unfinished: [{ segment: 's3', stored: 4 }] }));
    expect(total).toMatchObject({ accepted: 40, stored: 31, inFlight: 6 });
    expect(drift).toEqual([]);
  });

  it.each<[string, InFlight[], Partial<LedgerFacts>, RegExp]>([
    [
      'a number that is nowhere',
      [],
      { gaps: [{ spool: 'a', first: 1, last: 1 }] },
      /spool a: segments 1 to 1 are nowhere/,
    ],
    ['numbers before one in flight', [waiting(6)], {}, /spool a: segments 3 to 5 are nowhere/],
    [
      'numbers around one in flight',
      [waiting(5)],
      { spools: [account({ highest: 9 })], gaps: [{ spool: 'a', first: 4, last: 6 }] },
      /segments 4 to 4 are nowhere.*segments 6 to 6 are nowhere/s,
    ],
    ['a segment half stored and gone', [], { unfinished: [{ segment: 'x', stored: 4 }] }, /segment x: 4 clicks stored/],
    [
      'a segment that does not add up',
      [],
      { unbalanced: [{ segment: 'x', clicks: 9, stored: 7, dropped: 1, dead: 0 }] },
      /segment x: 9 clicks, but 7 stored/,
    ],
    [
      'sums that differ',
      [],
      { differences: [{ what: 'click_rollups', tenantId: null, day: '2026-11-23', raw: 5, other: 4 }] },
      /2026-11-23: 5 clicks, but 4 by click_rollups/,
    ],
  ])('calls it drift: %s', (_name, seen, changes, expected) => {
    expect(reconcile(seen, facts(changes)).drift.join('\n')).toMatch(expected);
  });

  it('says in figures by how much', () => {
    const { difference } = reconcile(
      [waiting(5)],
      facts({
        spools: [account({ highest: 9 })],
        gaps: [{ spool: 'a', first: 4, last: 7 }],
        unfinished: [{ segment: 'x', stored: 4 }],
        unbalanced: [
          { segment: 'y', clicks: 9, stored: 7, dropped: 1, dead: 0 },
          { segment: 'z', clicks: 9, stored: 12, dropped: 0, dead: 0 },
        ],
        differences: [
          { what: 'segments', tenantId: null, day: '2026-11-23', raw: 5, other: 7 },
          { what: 'click_rollups', tenantId: 't', day: '2026-11-23', raw: 5, other: 4 },
          { what: 'click_days', tenantId: 't', day: '2026-11-23', raw: 5, other: 9 },
        ],
      }),
    );
    expect(difference).toEqual({ segments: 4, days: 2, rollups: 5, missingSegments: 4 });
  });

  it('misses no number that is in flight', () => {
    const gaps = [{ spool: 'a', first: 1, last: 2 }];
    const seen = [waiting(1), waiting(2), waiting(10)];
    expect(reconcile(seen, facts({ spools: [account({ highest: 9 })], gaps })).drift).toEqual([]);
  });

  it('says of how many segments nobody knows the clicks', () => {
    const seen = [waiting(3, { clicks: undefined })];
    expect(reconcile(seen, facts({ unreadable: 2 })).unreadable).toBe(3);
  });
});

/** A queue whose worker does the first 250 jobs once somebody has read 200, and puts the last of those off. */
class BusyQueue {
  private read = 0;

  constructor(private readonly jobs: Array<{ id: string; data: ClicksJob }>) {}

  get left(): string[] {
    return this.jobs.map(({ data }) => data.segment);
  }

  getRanges = async (): Promise<string[]> => this.jobs.map(({ id }) => id);

  getJob = async (id: string) => {
    const job = this.jobs.find((one) => one.id === id);
    if (++this.read === 200) this.work();
    return job;
  };

  private work(): void {
    const last = this.jobs.splice(0, 250).at(-1);
    if (last) this.jobs.push({ ...last, id: `${last.id}.1` });
  }
}

describe('what is in the queue', () => {
  it('has all that is left, although its worker goes on', async () => {
    const jobs = Array.from({ length: 700 }, (_, number) => {
      const segment = `s${number}`;
      return { id: segment, data: { segment, frames: '', spool: 'a', number } };
    });
    const queue = new BusyQueue(jobs);
    const found = await inQueue(queue as unknown as Queue<ClicksJob>, new Secrets(Buffer.alloc(32, 1)));
    const segments = new Set(found.map(({ segment }) => segment));
    expect(queue.left).toHaveLength(451);
    expect(queue.left.filter((segment) => !segments.has(segment))).toEqual([]);
  });
});
