import { Injectable } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';
import { SharedCache } from '../shared-cache/shared-cache.js';
import { Windows } from './windows.js';

type Counted = Awaited<ReturnType<ThrottlerStorage['increment']>>;

/**
 * Where requests are counted: in Redis for all processes together, and by each process for itself without one. While
 * Redis is away each counts what it sees, so a limit holds for every process instead of for all: nobody is shut out.
 *
 * The library's own storage keeps a time for each request; this one, a number for each window.
 */
@Injectable()
export class RateLimitStorage implements ThrottlerStorage {
  private readonly own = new Windows();

  constructor(private readonly shared: SharedCache) {}

  /** @param ttl length of the window, in ms @returns times in seconds, as the interface has them */
  async increment(key: string, ttl: number, limit: number): Promise<Counted> {
    const { hits, left } = (await this.countTogether(key, ttl)) ?? this.own.hit(key, ttl);
    const seconds = Math.max(1, Math.ceil(left / 1000));
    const isBlocked = hits > limit;
    return { totalHits: hits, timeToExpire: seconds, isBlocked, timeToBlockExpire: isBlocked ? seconds : 0 };
  }

  private async countTogether(key: string, ttl: number): Promise<{ hits: number; left: number } | undefined> {
    if (!this.shared.exists) return undefined;
    // Its failure is logged and counted where it happens.
    return this.shared.count(`waypost:rate:${key}`, ttl).catch(() => undefined);
  }
}
