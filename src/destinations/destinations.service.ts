import { Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import type { Context } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { newId, toPublicId } from '../platform/ids.js';
import { type DestinationPolicy, NO_POLICY } from './destination-policy.js';
import { DestinationsRepository } from './destinations.repository.js';

/** Where links may lead: a tenant's own policy, and the platform's, which operators set under the nil id. */
@Injectable()
export class DestinationsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly destinations: DestinationsRepository,
    private readonly audit: AuditRecorder,
  ) {}

  async policy(ctx: Context): Promise<DestinationPolicy> {
    return this.transactions.run(ctx, async (tx) => (await this.destinations.policy(tx, ctx.tenantId)) ?? NO_POLICY);
  }

  /** In force for whatever is created or changed from now on. */
  async put(ctx: Context, policy: DestinationPolicy): Promise<DestinationPolicy> {
    return this.transactions.run(ctx, async (tx) => {
      const before = (await this.destinations.policy(tx, ctx.tenantId)) ?? NO_POLICY;
      await this.destinations.put(tx, policy, newId());
      const target = toPublicId('tnt', ctx.tenantId);
      await this.audit.record(tx, ctx, { action: 'destination_policy.updated', target, before, after: policy });
      return policy;
    });
  }
}
