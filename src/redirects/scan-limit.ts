import { LRUCache } from 'lru-cache';

interface Limits {
  /** Unknown names a client may ask for at once; 0: as many as it likes. */
  burst: number;
  /** Of these, how many come back each second; 0 as well: as many as it likes. */
  perSecond: number;
  /** Clients kept in mind. The one not seen for longest is forgotten first. */
  clients?: number;
}

interface Bucket {
  /** Below zero after a burst that was under way when the last token went: it is paid for all the same. */
  tokens: number;
  /** When it held them, in ms. */
  at: number;
}

/**
 * A token bucket for each client. What costs a token is to be told that there is nothing under a name: whoever asks for
 * links that exist is never limited, so many visitors can share an address.
 */
export class ScanLimit {
  private readonly buckets: LRUCache<string, Bucket>;

  /** @param now a clock that never goes back, in ms */
  constructor(
    private readonly limits: Limits,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.buckets = new LRUCache({ max: limits.clients ?? 100_000 });
  }

  /** @returns whole seconds until the client may ask for a name that may be unknown; 0 when it may now */
  wait(client: string): number {
    const bucket = this.buckets.get(client);
    return bucket ? Math.max(0, Math.ceil((1 - this.tokensOf(bucket)) / this.limits.perSecond)) : 0;
  }

  /** The client was told that there is nothing under a name. */
  charge(client: string): void {
    const { burst, perSecond } = this.limits;
    if (burst === 0 || perSecond === 0) return;
    const bucket = this.buckets.get(client);
    this.buckets.set(client, { tokens: (bucket ? this.tokensOf(bucket) : burst) - 1, at: this.now() });
  }

  private tokensOf({ tokens, at }: Bucket): number {
    return Math.min(this.limits.burst, tokens + ((this.now() - at) / 1000) * this.limits.perSecond);
  }
}
