import { Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import type { Context } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { Cursors, type Page } from '../platform/http/pagination.js';
import { toPublicId } from '../platform/ids.js';
import type { ApiKeyEntity } from './api-key.entity.js';
import { apiKeyNotFound, scopesExceedYours } from './api-key.errors.js';
import { type CreateApiKey, type ListApiKeys, toApiKeyResponse } from './api-key.schemas.js';
import { ApiKeysRecorder } from './api-keys.recorder.js';
import { ApiKeysRepository } from './api-keys.repository.js';

@Injectable()
export class ApiKeysService {
  constructor(
    private readonly transactions: Transactions,
    private readonly keys: ApiKeysRepository,
    private readonly recorder: ApiKeysRecorder,
    private readonly audit: AuditRecorder,
    private readonly cursors: Cursors,
  ) {}

  async create(
    ctx: Context,
    { scopes = [...ctx.permissions] as NonNullable<CreateApiKey['scopes']>, ...input }: CreateApiKey,
  ) {
    const excess = scopes.filter((scope) => !ctx.permissions.has(scope));
    if (excess.length > 0) throw scopesExceedYours(excess);
    return this.transactions.run(ctx, (tx) => this.recorder.issue(tx, ctx, { ...input, scopes }));
  }

  async list(ctx: Context, { limit, cursor }: ListApiKeys): Promise<Page<ApiKeyEntity>> {
    const [afterId] = this.cursors.read(ctx, 'api-keys', cursor) ?? [];
    const rows = await this.transactions.run(ctx, (tx) => this.keys.list(tx, limit, afterId as string | undefined));
    return this.cursors.page(ctx, 'api-keys', rows, limit, (key) => [key.id]);
  }

  /** In force at once: keys are looked up at every request. */
  async revoke(ctx: Context, id: string): Promise<void> {
    await this.transactions.run(ctx, async (tx) => {
      const key = await this.keys.get(tx, id);
      if (!key || !(await this.keys.delete(tx, id))) throw apiKeyNotFound();
      await this.audit.record(tx, ctx, {
        action: 'api_key.revoked',
        target: toPublicId('key', id),
        before: toApiKeyResponse(key),
      });
    });
  }
}
