import { LRUCache } from 'lru-cache';

interface Window {
  hits: number;
  /** In ms, by the clock. */
  end: number;
}

/** Counters that begin anew some time after their first hit. The one not touched for longest is forgotten first. */
export class Windows {
  private readonly windows: LRUCache<string, Window>;

  /** @param now a clock that never goes back, in ms */
  constructor(
    most = 100_000,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.windows = new LRUCache({ max: most });
  }

  /** @param length in ms @returns how often this key was hit in its window, and the ms until that ends */
  hit(key: string, length: number): { hits: number; left: number } {
    const now = this.now();
    const known = this.windows.get(key);
    if (known && known.end > now) return { hits: ++known.hits, left: known.end - now };
    this.windows.set(key, { hits: 1, end: now + length });
    return { hits: 1, left: length };
  }
}
