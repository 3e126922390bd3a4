import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Config } from '../../platform/config/config.js';
import { ClientAddress, clientOf } from '../../platform/http/client-address.js';
import { applyLimit, WINDOW_MS } from '../../platform/rate-limits/rate-limited.js';
import { RateLimitStorage } from '../../platform/rate-limits/rate-limit-storage.js';

/** Limits what each address asks for in a minute, whoever asks there, before their credentials are looked at. */
@Injectable()
export class AddressLimitGuard implements CanActivate {
  constructor(
    private readonly config: Config,
    private readonly addresses: ClientAddress,
    private readonly storage: RateLimitStorage,
  ) {}

  /** @throws DomainError 429 */
  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const { address: limit } = this.config.rateLimits;
    if (limit === 0) return true;
    const http = execution.switchToHttp();
    const client = clientOf(this.addresses.of(http.getRequest<FastifyRequest>().raw));
    const counted = await this.storage.increment(`address:${client}`, WINDOW_MS, limit);
    applyLimit(http.getResponse<FastifyReply>(), 'address', limit, counted);
    return true;
  }
}
