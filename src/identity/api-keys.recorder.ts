import { Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import type { Context, Tx } from '../platform/context/context.js';
import { newId, toPublicId } from '../platform/ids.js';
import { sha256 } from '../platform/secrets/secrets.js';
import type { ApiKeyEntity } from './api-key.entity.js';
import { toApiKeyResponse } from './api-key.schemas.js';
import { newApiKeyText } from './api-key-text.js';
import { ApiKeysRepository } from './api-keys.repository.js';
import { SCOPES } from './permissions.js';

export interface NewKey {
  name: string;
  scopes?: string[] | undefined;
  expiresAt?: Date | null;
}

/** Issues a key for the transaction's tenant. */
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
    { name, scopes = [...SCOPES], expiresAt = null }: NewKey,
  ): Promise<[ApiKeyEntity, string]> {
    const text = newApiKeyText(tx.tenantId);
    const key: ApiKeyEntity = {
      tenantId: tx.tenantId,
      id: newId(),
      name,
      hint: text.slice(-4),
      secretHash: sha256(text),
      scopes,
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
}
