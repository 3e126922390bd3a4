import { Injectable } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { Cursors, type Page } from '../platform/http/pagination.js';
import { AuditRecorder } from './audit.recorder.js';
import { AuditRepository, type ListedEvent } from './audit.repository.js';
import type { ListAuditEvents } from './audit.schemas.js';

@Injectable()
export class AuditService {
  constructor(
    private readonly transactions: Transactions,
    private readonly events: AuditRepository,
    private readonly recorder: AuditRecorder,
    private readonly cursors: Cursors,
  ) {}

  /** That it was read is recorded with the first page: the others are of the same reading. */
  async list(ctx: Context, { limit, cursor, ...filter }: ListAuditEvents): Promise<Page<ListedEvent>> {
    // Its reader's own: who has it from somebody else begins anew, and is recorded.
    const list = `audit-events ${ctx.actor} ${JSON.stringify(filter)}`;
    const [beforeId] = this.cursors.read(ctx, list, cursor) ?? [];
    const rows = await this.transactions.run(ctx, async (tx) => {
      const found = await this.events.list(tx, filter, limit, beforeId as string | undefined);
      if (cursor === undefined) await this.recorder.recordRead(tx, ctx, 'audit_event.listed', filter);
      return found;
    });
    return this.cursors.page(ctx, list, rows, limit, (event) => [event.id]);
  }
}
