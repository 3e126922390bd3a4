import { Injectable } from '@nestjs/common';
import type { Context, Tx } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { TenantTurns } from '../platform/resilience/tenant-turns.js';
import { tooManyChanges } from './scim.errors.js';
import { ScimSettingsRepository } from './scim-settings.repository.js';

/** Changes of one tenant that wait for their turn, in one process. */
const MOST_WAITING = 50;

/**
 * Changes of a tenant's directory, one at a time. The database keeps them apart; those of this process wait before they
 * take a connection, or one busy directory would hold them all.
 */
@Injectable()
export class DirectoryChangesService {
  private readonly turns = new TenantTurns(1, MOST_WAITING, tooManyChanges);

  constructor(
    private readonly transactions: Transactions,
    private readonly settings: ScimSettingsRepository,
  ) {}

  /** @throws DomainError 429 while too many wait */
  async run<T>(ctx: Context, work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.turns.run(ctx.tenantId, () =>
      this.transactions.run(ctx, async (tx) => {
        await this.settings.lock(tx);
        return work(tx);
      }),
    );
  }
}
