import { Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import type { Context, Tx } from '../platform/context/context.js';
import { newId, toPublicId } from '../platform/ids.js';
import { sha256 } from '../platform/secrets/secrets.js';
import type { ApiKeyEntity } from './api-key.entity.js';
import { toApiKeyResponse } from './api-key.schemas.js';
import { hintOf, newApiKeyText } from './api-key-text.js';
import { ApiKeysRepository } from './api-keys.repository.js';
import { SCOPES } from './permissions.js';

export interface NewKey {
  name: string;
  scopes?: string[] | undefined;
  expiresAt?: Date | null;
  allowedIpRanges?: string[] | null;
}

/** Issues and revokes keys of the transaction's tenant. */
@Injectable()
export class ApiKeysRecorder {
  constructor(
    private readonly keys: ApiKeysRepository,
    private readonly audit: AuditRecorder,
  ) {}

  /** @returns the stored key, and its text, which nobody can read again */
  async issue(
    tx: Tx,
    ctx: Context,
    { name, scopes = [...SCOPES], expiresAt = null, allowedIpRanges = null }: NewKey,
  ): Promise<[ApiKeyEntity, string]> {
    const text = newApiKeyText(tx.tenantId);
    const key: ApiKeyEntity = {
      tenantId: tx.tenantId,
      id: newId(),
      name,
      hint: hintOf(text),
      secretHash: sha256(text),
      previousSecretHash: null,
      previousSecretExpiresAt: null,
      scopes,
      allowedIpRanges,
      expiresAt,
      lastUsedAt: null,
      createdBy: ctx.actor,
      createdAt: new Date(),
    };
    await this.keys.insert(tx, key);
    await this.audit.record(tx, ctx, {
      action: 'api_key.created',
      target: toPublicId('key', key.id),
      after: toApiKeyResponse(key),
    });
    return [key, text];
  }

  /** In force at once: keys are looked up at every request. @returns false when it was gone already */
  async revoke(tx: Tx, ctx: Context, key: ApiKeyEntity): Promise<boolean> {
    if (!(await this.keys.delete(tx, key.id))) return false;
    await this.audit.record(tx, ctx, {
      action: 'api_key.revoked',
      target: toPublicId('key', key.id),
      before: toApiKeyResponse(key),
    });
    return true;
  }

  /** Every key that this member has made, and those made with these. */
  async revokeMadeBy(tx: Tx, ctx: Context, actor: string): Promise<void> {
    for (const key of await this.keys.madeBy(tx, actor)) {
      await this.revoke(tx, ctx, key);
      await this.revokeMadeBy(tx, ctx, toPublicId('key', key.id));
    }
  }
}
