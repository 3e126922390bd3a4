import { Injectable } from '@nestjs/common';
import type { Context, Tx } from '../context/context.js';
import { sendAhead } from '../database/send-ahead.js';
import { newId } from '../ids.js';

/** Appends events in the transaction that makes them true; the relay carries them out after the commit. */
@Injectable()
export class OutboxRecorder {
  async append(tx: Tx, ctx: Context, topic: string, payload: object): Promise<void> {
    await sendAhead(
      tx,
      tx.manager.query('SELECT append_outbox_event($1, $2, $3, $4, $5, $6)', [
        tx.tenantId,
        newId(),
        topic,
        JSON.stringify(payload),
        ctx.traceparent,
        new Date(),
      ]),
    );
  }
}
