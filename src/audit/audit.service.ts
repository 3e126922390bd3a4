import { Injectable } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { Cursors, type Page } from '../platform/http/pagination.js';
import type { AuditEventEntity } from './audit-event.entity.js';
import { AuditRepository } from './audit.repository.js';
import type { ListAuditEvents } from './audit.schemas.js';

@Injectable()
export class AuditService {
  constructor(
    private readonly transactions: Transactions,
    private readonly events: AuditRepository,
    private readonly cursors: Cursors,
  ) {}

  async list(ctx: Context, query: ListAuditEvents): Promise<Page<AuditEventEntity>> {
    const list = `audit-events ${query.action ?? ''} ${query.target ?? ''}`;
    const [beforeId] = this.cursors.read(ctx, list, query.cursor) ?? [];
    const rows = await this.transactions.run(ctx, (tx) => this.events.list(tx, query, beforeId as string | undefined));
    return this.cursors.page(ctx, list, rows, query.limit, (event) => [event.id]);
  }
}
