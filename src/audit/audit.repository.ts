import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';
import { writeAtCommit } from '../platform/database/write-at-commit.js';
import { firstIdOf } from '../platform/ids.js';
import { AuditEventEntity } from './audit-event.entity.js';
import type { RecordedEvent } from './canonical-event.js';

/** What a list or an export is narrowed to. */
export interface EventFilter {
  action?: string | undefined;
  actor?: string | undefined;
  target?: string | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
}

/** An event and its place in the chain; none while it is not chained yet, a second or so. */
export type ListedEvent = AuditEventEntity & { seq: string | null };

@Injectable()
export class AuditRepository {
  /** The transaction fails when the event does not arrive. */
  async append(tx: Tx, event: RecordedEvent, mac: Buffer): Promise<void> {
    const { id, action, actor, targetType, targetId, before, after, requestId } = event;
    const { addressPrefix, origin, originCount, occurredAt } = event;
    await writeAtCommit(tx, {
      call: 'record_audit_event',
      values: [
        event.tenantId,
        id,
        action,
        actor,
        targetType,
        targetId,
        before && JSON.stringify(before),
        after && JSON.stringify(after),
        requestId,
        addressPrefix,
        origin,
        originCount,
        occurredAt,
        mac,
      ],
    });
  }

  /** Newest first, one more than asked for when there are more. */
  async list(tx: Tx, filter: EventFilter, limit: number, beforeId: string | undefined): Promise<ListedEvent[]> {
    return this.select(tx, filter, { limit: limit + 1, order: 'DESC', beyond: beforeId });
  }

  /** Oldest first. */
  async batch(tx: Tx, filter: EventFilter, limit: number, afterId: string | undefined): Promise<ListedEvent[]> {
    return this.select(tx, filter, { limit, order: 'ASC', beyond: afterId });
  }

  private async select(
    tx: Tx,
    { action, actor, target, from, to }: EventFilter,
    { limit, order, beyond }: { limit: number; order: 'ASC' | 'DESC'; beyond: string | undefined },
  ): Promise<ListedEvent[]> {
    const query = tx.manager
      .createQueryBuilder(AuditEventEntity, 'event')
      .where('event.tenant_id = :tenantId', { tenantId: tx.tenantId });
    if (action) query.andWhere('event.action = :action', { action });
    if (actor) query.andWhere('event.actor = :actor', { actor });
    if (target) query.andWhere('event.target_id = :target', { target });
    if (from) query.andWhere('event.id >= :from', { from: firstIdOf(from) });
    if (to) query.andWhere('event.id < :to', { to: firstIdOf(to) });
    if (beyond) query.andWhere(`event.id ${order === 'ASC' ? '>' : '<'} :beyond`, { beyond });
    const events = await query.orderBy('event.id', order).limit(limit).getMany();
    const places = await this.placesOf(tx, events);
    return events.map((event) => Object.assign(event, { seq: places.get(event.id) ?? null }));
  }

  private async placesOf(tx: Tx, events: AuditEventEntity[]): Promise<Map<string, string>> {
    const rows = (await tx.manager.query(
      `SELECT event_id AS id, seq FROM audit_chain WHERE tenant_id = $1 AND event_id = ANY ($2)`,
      [tx.tenantId, events.map(({ id }) => id)],
    )) as Array<{ id: string; seq: string }>;
    return new Map(rows.map(({ id, seq }) => [id, seq]));
  }
}
