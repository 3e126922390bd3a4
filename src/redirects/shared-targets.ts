import { z } from 'zod';
import type { SharedCache } from '../platform/shared-cache/shared-cache.js';
import type { Logger } from '../platform/telemetry/logger.js';
import { sharedLookups } from '../platform/telemetry/metrics.js';
import { asStored, linkTargetOf } from './plain-answer.js';
import type { Confirmed, Known } from './target-cache.js';

/** To be raised when a target's fields change: versions that run beside each other do not read what they can not. */
const VERSION = 2;

/** As it goes into a header. */
const location = z.string().regex(/^[!-~]+$/);
const date = z.iso.datetime().transform((text) => new Date(text));

export const domainTarget = z.strictObject({
  tenantId: z.string(),
  domainId: z.string(),
  caseSensitive: z.boolean(),
  rootUrl: location.nullable(),
  notFoundUrl: location.nullable(),
  expiredUrl: location.nullable(),
});

export const linkTarget = z
  .strictObject({
    tenantId: z.string(),
    domainId: z.string(),
    linkId: z.string(),
    url: location,
    startsAt: date.nullable(),
    expiresAt: date.nullable(),
    expiredUrl: location.nullable(),
    maxClicks: z.number().nullable(),
    clicks: z.number(),
    redirectStatus: z.literal([301, 302, 307, 308]),
    forwardQuery: z.boolean(),
    disabledAt: date.nullable(),
    takedown: z.enum(['hidden', 'warning']).nullable(),
    sharedMaxAge: z.number().nullable(),
  })
  .transform(linkTargetOf);

/** Somebody who fills Redis with other things is worth a line, not one each time. */
const LOG_EVERY_MS = 30_000;

/** Targets by name that any process has found a moment ago. Only what is there: absent names would fill Redis. */
export class SharedTargets<T extends object> {
  private readonly stored: z.ZodType<Known<T>>;
  private loggedAt = -Infinity;

  /** @param sharedMs from when the database was asked: what is no longer fresh for everybody is of use to nobody */
  constructor(
    private readonly kind: 'domains' | 'links',
    target: z.ZodType<T>,
    private readonly sharedMs: number,
    private readonly cache: SharedCache,
    private readonly logger: Logger,
  ) {
    this.stored = z.object({ confirmedAt: z.number(), value: target });
  }

  /** @returns what is fresh for everybody and `serves`; undefined also when Redis is away, or there is none */
  async find(name: string, serves: (found: Known<T>) => boolean): Promise<Known<T> | undefined> {
    if (!this.cache.exists) return undefined;
    const { outcome, found } = await this.look(name, serves);
    sharedLookups.inc({ cache: this.kind, outcome });
    return found;
  }

  share(name: string, { value, confirmedAt }: Confirmed<T>): void {
    const left = confirmedAt + this.sharedMs - Date.now();
    if (!this.cache.exists || value === null || left < 1) return;
    const text = JSON.stringify({ confirmedAt, value }, asStored);
    this.cache.put(this.keyOf(name), text, Math.ceil(left));
  }

  forget(name: string): void {
    this.cache.remove(this.keyOf(name));
  }

  private async look(
    name: string,
    serves: (found: Known<T>) => boolean,
  ): Promise<{ outcome: string; found?: Known<T> }> {
    let text: string | undefined;
    try {
      text = await this.cache.get(this.keyOf(name));
    } catch {
      return { outcome: 'error' }; // Logged where it happened.
    }
    if (text === undefined) return { outcome: 'miss' };
    const found = this.read(text);
    if (!found) return { outcome: 'unreadable' };
    const fresh = Date.now() < found.confirmedAt + this.sharedMs;
    return fresh && serves(found) ? { outcome: 'hit', found } : { outcome: 'outdated' };
  }

  private read(text: string): Known<T> | undefined {
    try {
      const { value, confirmedAt } = this.stored.parse(JSON.parse(text));
      // Another machine's clock may be ahead of this one's.
      return { value, confirmedAt: Math.min(confirmedAt, Date.now()) };
    } catch (error) {
      if (performance.now() - this.loggedAt > LOG_EVERY_MS) {
        this.loggedAt = performance.now();
        this.logger.warn({ kind: this.kind, reason: String(error) }, 'What Redis holds of a name could not be read');
      }
      return undefined;
    }
  }

  private keyOf(name: string): string {
    return `waypost-${this.kind}:v${VERSION}:${name}`;
  }
}
