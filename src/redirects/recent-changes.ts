import { LRUCache } from 'lru-cache';

/** Of each: who creates many names must not make those forgotten that were changed. */
const MAX_NAMES = 20_000;

/**
 * What was changed a moment ago. Of that, others may still tell what was true before: a shared cache into which
 * somebody wrote just then, a replica that lags behind.
 */
export class RecentChanges {
  /** Name, and until when it counts as recent, in ms since 1970. */
  private readonly changed: LRUCache<string, number>;
  private readonly created: LRUCache<string, number>;
  private doubtedAt = 0;

  /** @param recentMs for how long a change is recent */
  constructor(
    private readonly recentMs: number,
    max = MAX_NAMES,
  ) {
    this.changed = new LRUCache({
      max,
      // More than can be noted: then each may be among them.
      dispose: (until, _name, reason) => void (reason === 'evict' && Date.now() < until && this.doubtAll()),
    });
    // A creation that leaves too soon costs its visitors a few seconds, and nobody a wrong answer.
    this.created = new LRUCache({ max });
  }

  change(name: string): void {
    this.changed.set(name, Date.now() + this.recentMs);
  }

  create(name: string): void {
    this.created.set(name, Date.now() + this.recentMs);
  }

  /** Anything may have changed until now. */
  doubtAll(): void {
    this.doubtedAt = Date.now();
  }

  /** Whether one of these was changed a moment ago, as far as is known: then only the source itself tells what is true. */
  touch(...names: string[]): boolean {
    const now = Date.now();
    const isRecent = (name: string): boolean => now < (this.created.get(name) ?? 0) || this.hasChanged(name, now);
    return now < this.doubtedAt + this.recentMs || names.some(isRecent);
  }

  /** Whether what was confirmed at this time may pass from process to process. What was created is new to all of them. */
  allow(confirmedAt: number, ...names: string[]): boolean {
    const now = Date.now();
    return confirmedAt > this.doubtedAt && !names.some((name) => this.hasChanged(name, now));
  }

  private hasChanged(name: string, now: number): boolean {
    return now < (this.changed.get(name) ?? 0);
  }
}
