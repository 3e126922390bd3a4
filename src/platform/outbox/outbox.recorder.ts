import { Injectable } from '@nestjs/common';
import type { Context, Tx } from '../context/context.js';
import { newId } from '../ids.js';
import { OutboxEventEntity } from './outbox-event.entity.js';

/** Appends events in the transaction that makes them true; the relay carries them out after the commit. */
@Injectable()
export class OutboxRecorder {
  async append(tx: Tx, ctx: Context, topic: string, payload: object): Promise<void> {
    await tx.manager.insert(OutboxEventEntity, {
      tenantId: tx.tenantId,
      id: newId(),
      topic,
      payload,
      traceparent: ctx.traceparent,
      createdAt: new Date(),
    });
  }
}
