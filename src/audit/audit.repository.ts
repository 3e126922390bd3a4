import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';
import { AuditEventEntity } from './audit-event.entity.js';
import type { ListAuditEvents } from './audit.schemas.js';

@Injectable()
export class AuditRepository {
  /** Newest first, one more than asked for when there are more. */
  list(tx: Tx, { limit, action, target }: ListAuditEvents, beforeId: string | undefined): Promise<AuditEventEntity[]> {
    const query = tx.manager
      .createQueryBuilder(AuditEventEntity, 'event')
      .where('event.tenant_id = :tenantId', { tenantId: tx.tenantId });
    if (action) query.andWhere('event.action = :action', { action });
    if (target) query.andWhere('event.target_id = :target', { target });
    if (beforeId) query.andWhere('event.id < :beforeId', { beforeId });
    return query
      .orderBy('event.id', 'DESC')
      .limit(limit + 1)
      .getMany();
  }
}
