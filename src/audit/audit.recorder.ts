import { Injectable } from '@nestjs/common';
import type { Context, Tx } from '../platform/context/context.js';
import { newId } from '../platform/ids.js';
import { AuditEventEntity } from './audit-event.entity.js';

export interface Change {
  /** `link.created`: what was done to which kind of thing. */
  action: `${string}.${string}`;
  /** Public id of what was changed. */
  target: string;
  /** Its public form before and after, without secrets; absent where there is none. */
  before?: object;
  after?: object;
}

/** Records a change in the transaction that makes it: there is never one without the other. */
@Injectable()
export class AuditRecorder {
  async record(tx: Tx, ctx: Context, { action, target, before, after }: Change): Promise<void> {
    await tx.manager.insert(AuditEventEntity, {
      tenantId: tx.tenantId,
      id: newId(),
      action,
      actor: ctx.actor,
      targetType: action.slice(0, action.indexOf('.')),
      targetId: target,
      before: before ?? null,
      after: after ?? null,
      requestId: ctx.requestId,
      occurredAt: new Date(),
    });
  }
}
