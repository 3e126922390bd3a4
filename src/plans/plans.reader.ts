import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Config } from '../platform/config/config.js';
import type { Tx } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { endOfMonth, inForce, monthOf, type PlanLimits } from './plan-limits.js';
import { OWN_RATE, PlansRepository } from './plans.repository.js';

export type { PlanLimits };

/** In ms: for so long after a change of plan, a process may go by the old rate. */
const RATE_KEPT = 10_000;

/** What other modules may ask of a tenant's plan. */
@Injectable()
export class PlansReader {
  private readonly rates: LRUCache<string, { perMinute: number | null }>;

  constructor(
    private readonly config: Config,
    private readonly transactions: Transactions,
    private readonly plans: PlansRepository,
  ) {
    this.rates = new LRUCache({
      max: 20_000,
      ttl: RATE_KEPT,
      // However many requests of a tenant wait for its rate, the database is asked once.
      fetchMethod: (tenantId) => this.ownRate(tenantId),
    });
  }

  /** Requests a minute; null: as many as it likes. Out of memory, but for one request of a tenant every ten seconds. */
  async apiRate(tenantId: string): Promise<number | null> {
    const known = this.rates.get(tenantId) ?? (await this.rates.forceFetch(tenantId));
    return known.perMinute;
  }

  limits(own: PlanLimits): PlanLimits {
    return inForce(own, this.config.planLimits);
  }

  /** Links created this month, deleted ones too. */
  async linksUsed(tx: Tx): Promise<{ links: number; resetsAt: Date }> {
    const now = new Date();
    return { links: await this.plans.links(tx, monthOf(now)), resetsAt: endOfMonth(now) };
  }

  private async ownRate(tenantId: string): Promise<{ perMinute: number | null }> {
    const [own] = await this.transactions.ask<{ requestsPerMinute: number | null }>(tenantId, OWN_RATE);
    return { perMinute: own?.requestsPerMinute ?? this.config.planLimits.requestsPerMinute };
  }
}
