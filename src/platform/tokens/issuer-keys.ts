import type { KeyObject } from 'node:crypto';
import { TokenRefused, type Algorithm } from './bearer-token.js';
import { keyFor, type SigningKey } from './signing-keys.js';

/** In ms: after this time they are fetched again, beside the requests. */
const FRESH = 5 * 60_000;
/** For how long they serve while the provider is away: a key that it has withdrawn ends then at the latest. */
const KEPT = 60 * 60_000;
/** However many tokens name keys that are not there, the provider is asked this often and no more. */
const MOST_FETCHES = { count: 3, within: 30_000 };

/** The keys of one provider: remembered, and looked for again when a token names one that is new. */
export class IssuerKeys {
  private keys: SigningKey[] = [];
  private fetchedAt = -Infinity;
  private failure: unknown;
  private fetches: number[] = [];
  private fetching: Promise<void> | undefined;

  /**
   * @param load asks the provider
   * @param failed hears why that did not work; only who can not do without is told so
   */
  constructor(
    private readonly load: () => Promise<SigningKey[]>,
    private readonly failed: (error: unknown) => void,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** @throws TokenRefused when the provider has no such key, or what `load` threw when there is nothing to go by */
  async find(wanted: { kid: string; alg: Algorithm }): Promise<KeyObject> {
    if (this.age > KEPT) await this.refetch();
    else if (this.age > FRESH) void this.refetch();
    if (this.age > KEPT) throw this.failure;
    const known = keyFor(this.keys, wanted);
    if (known) return known;
    await this.refetch();
    const found = keyFor(this.keys, wanted);
    if (!found) throw new TokenRefused(`its issuer has no key ${wanted.kid} for ${wanted.alg}`);
    return found;
  }

  private get age(): number {
    return this.now() - this.fetchedAt;
  }

  /** All who wait, wait for the same answer. */
  private refetch(): Promise<void> {
    if (!this.fetching && this.mayFetch()) {
      this.fetching = this.fetch().finally(() => (this.fetching = undefined));
    }
    return this.fetching ?? Promise.resolve();
  }

  private mayFetch(): boolean {
    const now = this.now();
    this.fetches = this.fetches.filter((time) => now - time < MOST_FETCHES.within);
    if (this.fetches.length >= MOST_FETCHES.count) return false;
    this.fetches.push(now);
    return true;
  }

  private async fetch(): Promise<void> {
    try {
      this.keys = await this.load();
      this.fetchedAt = this.now();
    } catch (error) {
      this.failure = error;
      this.failed(error);
    }
  }
}
