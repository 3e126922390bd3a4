import { bulkhead, type BulkheadPolicy, isBulkheadRejectedError } from 'cockatiel';

/** Each tenant may do a few things at once; some more wait for their turn, and the others are turned away. */
export class TenantTurns {
  private readonly tenants = new Map<string, BulkheadPolicy>();

  /** @param refused makes the error of those who are turned away */
  constructor(
    private readonly atOnce: number,
    private readonly waiting: number,
    private readonly refused: () => Error,
  ) {}

  async run<T>(tenantId: string, work: () => Promise<T>): Promise<T> {
    const turns = this.tenants.get(tenantId) ?? bulkhead(this.atOnce, this.waiting);
    this.tenants.set(tenantId, turns);
    try {
      return await turns.execute(work);
    } catch (error) {
      throw isBulkheadRejectedError(error) ? this.refused() : error;
    } finally {
      if (turns.executionSlots === this.atOnce) this.tenants.delete(tenantId);
    }
  }

  /** Tenants that have something under way. */
  get size(): number {
    return this.tenants.size;
  }
}
