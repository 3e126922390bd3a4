import { Injectable } from '@nestjs/common';
import type { Context, Tx } from '../context/context.js';
import { writeAtCommit } from '../database/write-at-commit.js';
import { newId } from '../ids.js';

/** Appends events in the transaction that makes them true; the relay carries them out after the commit. */
@Injectable()
export class OutboxRecorder {
  async append(tx: Tx, ctx: Context, topic: string, payload: object): Promise<void> {
    const values = [tx.tenantId, newId(), topic, JSON.stringify(payload), ctx.traceparent, new Date()];
    await writeAtCommit(tx, { call: 'append_outbox_event', values });
  }
}
