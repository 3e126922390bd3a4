import type { InFlight } from './in-flight.reader.js';
import type { Gap, LedgerFacts } from './ledger.reader.js';

/** Of one process (its spool) or of all. Clicks that were accepted are stored, dropped, dead, or in flight. */
export interface Account {
  accepted: number;
  stored: number;
  dropped: number;
  dead: number;
  inFlight: number;
}

export interface Reconciliation {
  /** By spool; `unknown` for segments of an earlier version. */
  spools: Record<string, Account>;
  total: Account;
  inSpools: number;
  inQueue: number;
  /** Segments, dead or in flight, of which nobody knows how many clicks they have. */
  unreadable: number;
  /** What does not add up, in words. Empty: nothing. */
  drift: string[];
  /** The same in figures. */
  difference: Difference;
}

/** By how much something does not add up: at least, for the ledger tells the first of many differences. */
export interface Difference {
  /** Clicks of segments against what became of them. */
  segments: number;
  /** Clicks of days against those of segments. */
  days: number;
  /** Clicks of days against their sums. */
  rollups: number;
  missingSegments: number;
}

/** @param seen segments in spools and in the queue, looked at before the ledger: then none can slip through between */
export function reconcile(seen: InFlight[], facts: LedgerFacts): Reconciliation {
  const settled = new Set(facts.settled);
  const partly = new Map(facts.unfinished.map(({ segment, stored }) => [segment, stored]));
  const waiting = [...new Map(seen.map((one) => [one.segment, one])).values()].filter(
    ({ segment }) => !settled.has(segment),
  );
  const spools: Record<string, Account> = {};
  for (const { spool, clicks: accepted, stored, dropped, dead } of facts.spools) {
    spools[spool ?? 'unknown'] = { accepted, stored, dropped, dead, inFlight: 0 };
  }
  for (const { segment, spool = 'unknown', clicks = 0 } of waiting) {
    const account = (spools[spool] ??= { accepted: 0, stored: 0, dropped: 0, dead: 0, inFlight: 0 });
    const stored = partly.get(segment) ?? 0;
    account.accepted += clicks;
    account.stored += stored;
    account.inFlight += clicks - stored;
  }
  const underWay = new Set(waiting.map(({ segment }) => segment));
  const unfinished = facts.unfinished.filter(({ segment }) => !underWay.has(segment));
  const missing = lost(waiting, facts);
  const clicksIn = (where: InFlight['where']): number =>
    waiting.filter((one) => one.where === where).reduce((sum, { clicks = 0 }) => sum + clicks, 0);
  return {
    spools,
    total: sumOf(Object.values(spools)),
    inSpools: clicksIn('spool'),
    inQueue: clicksIn('queue'),
    unreadable: facts.unreadable + waiting.filter(({ clicks }) => clicks === undefined).length,
    drift: [
      ...facts.unbalanced.map(
        ({ segment, clicks, stored, dropped, dead }) =>
          `segment ${segment}: ${clicks} clicks, but ${stored} stored + ${dropped} dropped + ${dead} dead`,
      ),
      ...unfinished.map(
        ({ segment, stored }) => `segment ${segment}: ${stored} clicks stored, and no queue has the rest`,
      ),
      ...missing.map(
        ({ spool, first, last }) => `spool ${spool}: segments ${first} to ${last} are nowhere to be found`,
      ),
      ...facts.differences.map(
        ({ what, tenantId, day, raw, other }) =>
          `${day}${tenantId ? `, tenant ${tenantId}` : ''}: ${raw} clicks, but ${other} by ${what}`,
      ),
    ],
    difference: {
      segments: facts.unbalanced.reduce(
        (sum, { clicks, stored, dropped, dead }) => sum + Math.abs(clicks - stored - dropped - dead),
        0,
      ),
      ...differencesOf(facts),
      missingSegments: unfinished.length + missing.reduce((sum, { first, last }) => sum + last - first + 1, 0),
    },
  };
}

function differencesOf({ differences }: LedgerFacts): Pick<Difference, 'days' | 'rollups'> {
  const sum = (ofDays: boolean): number =>
    differences
      .filter(({ what }) => (what === 'segments') === ofDays)
      .reduce((all, { raw, other }) => all + Math.abs(raw - other), 0);
  return { days: sum(true), rollups: sum(false) };
}

/** Numbers that neither the ledger knows nor anything in flight has. */
function lost(waiting: InFlight[], { gaps, spools }: LedgerFacts): Gap[] {
  const open = [...gaps];
  const numbers = new Map<string, Set<number>>();
  for (const { spool, number } of waiting) {
    if (spool === undefined || number === undefined) continue;
    numbers.set(spool, (numbers.get(spool) ?? new Set()).add(number));
  }
  for (const [spool, its] of numbers) {
    const highest = spools.find((one) => one.spool === spool)?.highest;
    // Of a spool that the ledger has nothing of, the first may be older than what it keeps.
    const from = typeof highest === 'number' ? highest + 1 : Math.min(...its);
    const last = Math.max(...its);
    if (last > from) open.push({ spool, first: from, last });
  }
  return open.flatMap((gap) => without(gap, numbers.get(gap.spool) ?? new Set()));
}

function without({ spool, first, last }: Gap, present: Set<number>): Gap[] {
  const missing: Gap[] = [];
  for (let number = first; number <= last; number++) {
    if (present.has(number)) continue;
    const run = missing.at(-1);
    if (run?.last === number - 1) run.last = number;
    else missing.push({ spool, first: number, last: number });
  }
  return missing;
}

const sumOf = (accounts: Account[]): Account => {
  const sum = (field: keyof Account): number => accounts.reduce((all, account) => all + account[field], 0);
  return {
    accepted: sum('accepted'),
    stored: sum('stored'),
    dropped: sum('dropped'),
    dead: sum('dead'),
    inFlight: sum('inFlight'),
  };
};
