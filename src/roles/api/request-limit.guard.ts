import type { ExecutionContext } from '@nestjs/common';
import { ThrottlerGuard, type ThrottlerModuleOptions, type ThrottlerRequest } from '@nestjs/throttler';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Config } from '../../platform/config/config.js';
import type { Context } from '../../platform/context/context.js';
import { applyLimit, WINDOW_MS } from '../../platform/rate-limits/rate-limited.js';
import type { RateLimitStorage } from '../../platform/rate-limits/rate-limit-storage.js';
import type { PlansReader } from '../../plans/plans.reader.js';

/** Limits what each credential and each tenant asks for in a minute, and tells them how much is left. */
export class RequestLimitGuard extends ThrottlerGuard {
  protected override async handleRequest({ context, limit, throttler }: ThrottlerRequest): Promise<boolean> {
    if (limit === Infinity) return true;
    const name = throttler.name as LimitName;
    const counted = await this.storageService.increment(KEYS[name](contextOf(context)), WINDOW_MS, limit, 0, name);
    applyLimit(context.switchToHttp().getResponse<FastifyReply>(), name, limit, counted);
    return true;
  }
}

type LimitName = 'credential' | 'tenant';

// A hash tag, so that Redis Cluster keeps what belongs to a tenant on one node.
const KEYS: Record<LimitName, (ctx: Context) => string> = {
  credential: ({ tenantId, actor }) => `{${tenantId}}:${actor}`,
  tenant: ({ tenantId }) => `{${tenantId}}`,
};

/** A credential that is over its limit takes nothing from the tenant's others: it is asked first. */
export const requestLimits = (
  { rateLimits }: Config,
  plans: PlansReader,
  storage: RateLimitStorage,
): ThrottlerModuleOptions => ({
  storage,
  skipIf: (execution) => requestOf(execution).ctx === undefined,
  throttlers: [
    { name: 'credential', ttl: WINDOW_MS, limit: rateLimits.credential || Infinity },
    {
      name: 'tenant',
      ttl: WINDOW_MS,
      skipIf: (execution) => requestOf(execution).ctx?.platform ?? true,
      limit: async (execution) => (await plans.apiRate(contextOf(execution).tenantId)) ?? Infinity,
    },
  ],
});

const requestOf = (execution: ExecutionContext): FastifyRequest =>
  execution.switchToHttp().getRequest<FastifyRequest>();

function contextOf(execution: ExecutionContext): Context {
  const { ctx } = requestOf(execution);
  if (!ctx) throw new Error('Requests are counted for somebody');
  return ctx;
}
