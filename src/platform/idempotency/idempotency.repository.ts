import { Injectable } from '@nestjs/common';
import type { Tx } from '../context/context.js';
import { writeAtCommit } from '../database/write-at-commit.js';
import type { IdempotencyRecordEntity } from './idempotency-record.entity.js';

export type StoredAnswer = Pick<IdempotencyRecordEntity, 'requestHash' | 'status' | 'sealedBody'>;

@Injectable()
export class IdempotencyRepository {
  /**
   * Takes the key for the length of the transaction, and looks what was answered to it. It ends with a crash, too.
   *
   * @returns 'held' while another request holds it; undefined when nothing was answered in the last 24 h
   */
  async take(tx: Tx, principal: string, key: string): Promise<'held' | StoredAnswer | undefined> {
    const [row] = (await tx.manager.query(
      `SELECT taken, request_hash AS "requestHash", status, sealed_body AS "sealedBody"
       FROM take_idempotency_key($1, $2, $3)`,
      [tx.tenantId, principal, key],
    )) as [{ taken: boolean } & { [Field in keyof StoredAnswer]: StoredAnswer[Field] | null }];
    if (!row.taken) return 'held';
    return row.requestHash === null ? undefined : (row as StoredAnswer);
  }

  /** For a key that `take` has found unused. */
  async store(tx: Tx, record: Omit<IdempotencyRecordEntity, 'tenantId'>): Promise<void> {
    const { principal, key, requestHash, status, sealedBody, expiresAt } = record;
    const values = [tx.tenantId, principal, key, requestHash, status, sealedBody, expiresAt];
    await writeAtCommit(tx, { call: 'keep_idempotent_answer', values });
  }
}
