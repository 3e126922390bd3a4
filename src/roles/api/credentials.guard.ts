import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { AccessGuard } from '../../identity/access.guard.js';
import { Config } from '../../platform/config/config.js';
import { ClientAddress, clientOf } from '../../platform/http/client-address.js';
import { DomainError } from '../../platform/http/domain-error.js';
import { applyLimit, WINDOW_MS } from '../../platform/rate-limits/rate-limited.js';
import { RateLimitStorage } from '../../platform/rate-limits/rate-limit-storage.js';
import { sha256 } from '../../platform/secrets/secrets.js';

/** Wrong credentials; and good ones that open nothing here, or nothing any longer, for they cost a look-up as well. */
const FAILURES: ReadonlySet<string> = new Set(['unauthenticated', 'forbidden']);

/** In ms. */
const REMEMBERED = 10 * 60_000;

/**
 * Access, with guessing made slow: an address from which too many wrong credentials came is refused for the rest of the
 * minute, before anything is looked up. Credentials that this process has lately found good go on: many people may
 * share an address, and one of them must not be able to shut out the others.
 */
@Injectable()
export class CredentialsGuard implements CanActivate {
  /** Until when addresses are refused, in ms of a clock that never goes back. */
  private readonly refused = new LRUCache<string, number>({ max: 100_000 });
  /** Hashes of credentials. */
  private readonly good = new LRUCache<string, true>({ max: 20_000, ttl: REMEMBERED });

  constructor(
    private readonly access: AccessGuard,
    private readonly config: Config,
    private readonly addresses: ClientAddress,
    private readonly storage: RateLimitStorage,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const http = execution.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const credentials = hashOf(request.headers.authorization);
    this.refuse(request, reply, credentials);
    try {
      const allowed = await this.access.canActivate(execution);
      if (credentials !== undefined && request.ctx) this.good.set(credentials, true);
      return allowed;
    } catch (error) {
      if (error instanceof DomainError && FAILURES.has(error.kind)) {
        if (credentials !== undefined && error.kind === 'unauthenticated') this.good.delete(credentials);
        await this.countFailure(request, reply);
      }
      throw error;
    }
  }

  /** @throws DomainError 429 */
  private refuse(request: FastifyRequest, reply: FastifyReply, credentials: string | undefined): void {
    if (this.refused.size === 0) return;
    const until = this.refused.get(this.clientOf(request)) ?? 0;
    const left = until - performance.now();
    if (left <= 0 || (credentials !== undefined && this.good.has(credentials))) return;
    const { failures } = this.config.rateLimits;
    const seconds = Math.ceil(left / 1000);
    applyLimit(reply, 'failures', failures, { totalHits: failures + 1, timeToExpire: seconds, isBlocked: true });
  }

  /** @throws DomainError 429 instead of the 401 or 403, where it was one too many: it tells nothing of the credentials */
  private async countFailure(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { failures } = this.config.rateLimits;
    if (failures === 0) return;
    const client = this.clientOf(request);
    const counted = await this.storage.increment(`failures:${client}`, WINDOW_MS, failures);
    if (counted.isBlocked) this.refused.set(client, performance.now() + counted.timeToExpire * 1000);
    applyLimit(reply, 'failures', failures, counted);
  }

  private clientOf({ raw }: FastifyRequest): string {
    return clientOf(this.addresses.of(raw));
  }
}

const hashOf = (authorization: string | undefined): string | undefined =>
  authorization === undefined ? undefined : sha256(authorization).toString('base64');
