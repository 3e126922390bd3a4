import { Injectable } from '@nestjs/common';
import { MoreThan } from 'typeorm';
import type { Tx } from '../context/context.js';
import { IdempotencyRecordEntity } from './idempotency-record.entity.js';

@Injectable()
export class IdempotencyRepository {
  /** Takes the key for the length of the transaction; false while another request holds it. Ends with a crash, too. */
  async lock(tx: Tx, principal: string, key: string): Promise<boolean> {
    const [row] = (await tx.manager.query('SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS locked', [
      `idempotency\n${tx.tenantId}\n${principal}\n${key}`,
    ])) as [{ locked: boolean }];
    return row.locked;
  }

  find(tx: Tx, principal: string, key: string): Promise<IdempotencyRecordEntity | null> {
    return tx.manager.findOneBy(IdempotencyRecordEntity, {
      tenantId: tx.tenantId,
      principal,
      key,
      expiresAt: MoreThan(new Date()),
    });
  }

  /** Replaces an expired record of the same key, which the sweep may not have met yet. */
  async store(tx: Tx, record: Omit<IdempotencyRecordEntity, 'tenantId'>): Promise<void> {
    const { principal, key } = record;
    await tx.manager.delete(IdempotencyRecordEntity, { tenantId: tx.tenantId, principal, key });
    await tx.manager.insert(IdempotencyRecordEntity, { tenantId: tx.tenantId, ...record });
  }
}
