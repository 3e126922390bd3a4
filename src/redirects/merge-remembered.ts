import type { Remembered } from './redirect-cache.js';
import type { RememberedTarget } from './target-cache.js';

/**
 * What several processes remembered, as if one had: what each used last comes first, and of two answers to one name
 * the later counts. Sets of an older version than the newest are passed over.
 */
export function mergeRemembered(sets: Remembered[]): Remembered {
  const version = Math.max(0, ...sets.map((set) => set.version));
  const alike = sets.filter((set) => set.version === version);
  return {
    version,
    domains: byRank(alike.map(({ domains }) => domains)),
    links: byRank(alike.map(({ links }) => links)),
  };
}

function byRank<T>(lists: Array<Array<RememberedTarget<T>>>): Array<RememberedTarget<T>> {
  const merged = new Map<string, RememberedTarget<T>>();
  const ranks = Math.max(0, ...lists.map(({ length }) => length));
  for (let rank = 0; rank < ranks; rank++) {
    for (const target of lists.flatMap((list) => list.slice(rank, rank + 1))) {
      const [name, , confirmedAt] = target;
      const [, , known = -Infinity] = merged.get(name) ?? [];
      // A name keeps the place it got first: its best.
      if (confirmedAt > known) merged.set(name, target);
    }
  }
  return [...merged.values()];
}
