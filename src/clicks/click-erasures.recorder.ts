import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';
import { NIL_UUID } from '../platform/ids.js';

/** Notes whose clicks are to be erased, in the transaction that deletes them; the worker does it within the hour. */
@Injectable()
export class ClickErasuresRecorder {
  ofLink(tx: Tx, linkId: string): Promise<void> {
    return this.request(tx, linkId);
  }

  ofTenant(tx: Tx): Promise<void> {
    return this.request(tx, NIL_UUID);
  }

  private async request(tx: Tx, linkId: string): Promise<void> {
    await tx.manager.query(
      'INSERT INTO click_erasures (tenant_id, link_id, requested_at) VALUES ($1, $2, now()) ON CONFLICT DO NOTHING',
      [tx.tenantId, linkId],
    );
  }
}
