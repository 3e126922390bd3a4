import type { Click } from './click.js';

/**
 * Up to how many clicks of a segment a tenant may have for them to be stored in its first, second, third turn. Ten times
 * as many from one to the next: who has a hundred times the clicks of others comes after them.
 */
const LIMITS = [100, 1_000, Infinity];

export interface Share<T> {
  now: T[];
  /** The turn in which the next of the others are stored; undefined when there are no others. */
  next: number | undefined;
}

/**
 * What of a segment's clicks is stored in this turn of it: while others wait, those of tenants that have few; what comes
 * after has its turn when they have had theirs. What was stored in earlier turns is left out.
 *
 * @param turn from 0
 * @param othersWait segments whose turn it is before the next of this one
 */
export function shareOf<T extends Pick<Click, 'tenantId'>>(clicks: T[], turn: number, othersWait: boolean): Share<T> {
  const turns = turnsOf(clicks);
  const turnOf = ({ tenantId }: T): number => turns.get(tenantId) ?? 0;
  if (!othersWait) return { now: clicks.filter((click) => turnOf(click) >= turn), next: undefined };
  const later = [...turns.values()].filter((one) => one > turn);
  return {
    now: clicks.filter((click) => turnOf(click) === turn),
    next: later.length > 0 ? Math.min(...later) : undefined,
  };
}

function turnsOf(clicks: Array<Pick<Click, 'tenantId'>>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { tenantId } of clicks) counts.set(tenantId, (counts.get(tenantId) ?? 0) + 1);
  return new Map(Array.from(counts, ([tenant, count]) => [tenant, LIMITS.findIndex((limit) => count <= limit)]));
}
