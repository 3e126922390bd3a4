import { Injectable } from '@nestjs/common';
import { MoreThan } from 'typeorm';
import type { Tx } from '../platform/context/context.js';
import type { Transactions } from '../platform/database/transactions.js';
import { ApiKeyEntity } from './api-key.entity.js';

/** A key as the authentication sees it, with the state of its tenant. */
export interface KnownKey {
  id: string;
  scopes: string[];
  allowedIpRanges: string[] | null;
  expiresAt: Date | null;
  lastUsedAt: Date | null;
  suspended: boolean;
}

export type KeySecrets = Pick<ApiKeyEntity, 'secretHash' | 'hint' | 'previousSecretHash' | 'previousSecretExpiresAt'>;

/** A literal statement, see Transactions.ask: a UUID and hexadecimal digits. */
export const knownKey = (tenantId: string, secretHash: Buffer): string => {
  const hash = `'\\x${secretHash.toString('hex')}'`;
  return `
  SELECT k.id, k.scopes, k.allowed_ip_ranges AS "allowedIpRanges", k.expires_at AS "expiresAt",
         k.last_used_at AS "lastUsedAt", t.suspended_at IS NOT NULL AS suspended
  FROM api_keys k
  JOIN tenants t ON t.id = k.tenant_id
  WHERE k.tenant_id = '${tenantId}' AND t.deleted_at IS NULL
    AND (k.secret_hash = ${hash} OR (k.previous_secret_hash = ${hash} AND k.previous_secret_expires_at > now()))`;
};

@Injectable()
export class ApiKeysRepository {
  async insert(tx: Tx, key: ApiKeyEntity): Promise<void> {
    await tx.manager.insert(ApiKeyEntity, key);
  }

  /** By the unique hash of a 190-bit secret: the time this takes tells nothing about any key. */
  async findByHash(transactions: Transactions, tenantId: string, secretHash: Buffer): Promise<KnownKey | undefined> {
    const [key] = await transactions.ask<KnownKey>(tenantId, knownKey(tenantId, secretHash));
    return key;
  }

  get(tx: Tx, id: string): Promise<ApiKeyEntity | null> {
    return tx.manager.findOneBy(ApiKeyEntity, { tenantId: tx.tenantId, id });
  }

  /** Reads a key and holds it until the transaction ends. */
  lock(tx: Tx, id: string): Promise<ApiKeyEntity | null> {
    return tx.manager.findOne(ApiKeyEntity, {
      where: { tenantId: tx.tenantId, id },
      lock: { mode: 'pessimistic_write' },
    });
  }

  async replaceSecret(tx: Tx, id: string, secrets: KeySecrets): Promise<void> {
    await tx.manager.update(ApiKeyEntity, { tenantId: tx.tenantId, id }, secrets);
  }

  list(tx: Tx, createdBy: string | undefined, limit: number, afterId: string | undefined): Promise<ApiKeyEntity[]> {
    return tx.manager.find(ApiKeyEntity, {
      where: {
        tenantId: tx.tenantId,
        ...(createdBy !== undefined && { createdBy }),
        ...(afterId && { id: MoreThan(afterId) }),
      },
      order: { id: 'ASC' },
      take: limit + 1,
    });
  }

  madeBy(tx: Tx, createdBy: string): Promise<ApiKeyEntity[]> {
    return tx.manager.findBy(ApiKeyEntity, { tenantId: tx.tenantId, createdBy });
  }

  async touch(tx: Tx, id: string): Promise<void> {
    await tx.manager.update(ApiKeyEntity, { tenantId: tx.tenantId, id }, { lastUsedAt: new Date() });
  }

  async delete(tx: Tx, id: string): Promise<boolean> {
    const { affected } = await tx.manager.delete(ApiKeyEntity, { tenantId: tx.tenantId, id });
    return affected === 1;
  }
}
