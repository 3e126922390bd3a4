import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';

/** A dead letter as operators list it. */
export interface DeadLetterRow {
  id: string;
  tenantId: string | null;
  kind: 'click' | 'segment';
  segment: string;
  error: string;
  failedAt: Date;
  redriveRequestedAt: Date | null;
  redrivenAt: Date | null;
}

/** The letter, and the click it holds; of a segment, or where no key opens it, there is nothing to show. */
export type OpenedLetter = DeadLetterRow & { click: object | null };

export type RequestedLetter = Pick<DeadLetterRow, 'id' | 'tenantId' | 'segment' | 'error'>;

const COLUMNS = `id, tenant_id AS "tenantId", kind, segment, error, failed_at AS "failedAt",
  redrive_requested_at AS "redriveRequestedAt", redriven_at AS "redrivenAt"`;

/** Row-level security shows dead letters to the platform's operators alone. */
@Injectable()
export class DeadLettersRepository {
  /** Newest first, one more than asked for when there are more. */
  list(tx: Tx, limit: number, waiting: boolean, before: [string, string] | undefined): Promise<DeadLetterRow[]> {
    return tx.manager.query(
      `SELECT ${COLUMNS} FROM dead_clicks
       WHERE ($2::timestamptz IS NULL OR (failed_at, id) < ($2::timestamptz, $3::uuid))
         AND (NOT $4 OR redriven_at IS NULL)
       ORDER BY failed_at DESC, id DESC LIMIT $1`,
      [limit + 1, before?.[0] ?? null, before?.[1] ?? null, waiting],
    );
  }

  async find(tx: Tx, id: string): Promise<(DeadLetterRow & { sealed: Buffer }) | undefined> {
    const [row] = (await tx.manager.query(`SELECT ${COLUMNS}, sealed FROM dead_clicks WHERE id = $1`, [id])) as Array<
      DeadLetterRow & { sealed: Buffer }
    >;
    return row;
  }

  /**
   * @param ids undefined: those that wait longest
   * @returns those that nobody had asked for yet
   */
  request(tx: Tx, limit: number, ids?: string[]): Promise<RequestedLetter[]> {
    return tx.manager.query(
      `WITH chosen AS (
         SELECT id FROM dead_clicks
         WHERE redriven_at IS NULL AND ($2::uuid[] IS NULL OR id = ANY ($2)) AND redrive_requested_at IS NULL
         ORDER BY failed_at, id LIMIT $1
       ), requested AS (
         UPDATE dead_clicks SET redrive_requested_at = now() FROM chosen WHERE dead_clicks.id = chosen.id
         RETURNING dead_clicks.id, tenant_id, segment, error
       )
       SELECT id, tenant_id AS "tenantId", segment, error FROM requested`,
      [limit, ids ?? null],
    );
  }
}
