import { Injectable } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import type { Tx } from '../platform/context/context.js';
import { endOfMonth, inForce, monthOf } from './plan-limits.js';
import { PlansRepository } from './plans.repository.js';
import { quotaExceeded } from './quota.errors.js';

/** Keeps a tenant within its plan, in the transaction that creates something: what goes back is not counted. */
@Injectable()
export class QuotasRecorder {
  constructor(
    private readonly config: Config,
    private readonly plans: PlansRepository,
  ) {}

  /** Counts links that this transaction creates. Its commit fails with 402 `quota_exceeded` when they are too many. */
  async takeLinks(tx: Tx, count = 1): Promise<void> {
    const now = new Date();
    const resetsAt = endOfMonth(now).toISOString();
    const platformLimit = this.config.planLimits.linksPerMonth;
    await this.plans.takeLinks(tx, monthOf(now), platformLimit, count, (quota) =>
      quotaExceeded({ name: 'linksPerMonth', ...quota, resetsAt }),
    );
  }

  /**
   * For what a tenant has few of: it is counted, while nobody else creates one.
   *
   * @param count how many there are, asked for only if there is a limit
   * @throws DomainError 402 `quota_exceeded`
   */
  async makeRoom(tx: Tx, name: 'domains' | 'members', count: () => Promise<number>): Promise<void> {
    const limit = inForce(await this.plans.lockLimits(tx), this.config.planLimits)[name];
    if (limit === null) return;
    const used = await count();
    if (used >= limit) throw quotaExceeded({ name, limit, used, resetsAt: null });
  }
}
