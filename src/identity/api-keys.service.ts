import { Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import type { Context } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { Cursors, type Page } from '../platform/http/pagination.js';
import { isRangeWithin } from '../platform/http/ip-range.js';
import { toPublicId } from '../platform/ids.js';
import { sha256 } from '../platform/secrets/secrets.js';
import { ActorsReader } from './actors.reader.js';
import type { ApiKeyEntity } from './api-key.entity.js';
import { apiKeyNotFound, keyExceedsYours, scopesExceedYours } from './api-key.errors.js';
import { type CreateApiKey, type ListApiKeys, type RotateApiKey, toApiKeyResponse } from './api-key.schemas.js';
import { hintOf, newApiKeyText } from './api-key-text.js';
import { ApiKeysRecorder } from './api-keys.recorder.js';
import { ApiKeysRepository } from './api-keys.repository.js';

@Injectable()
export class ApiKeysService {
  constructor(
    private readonly transactions: Transactions,
    private readonly keys: ApiKeysRepository,
    private readonly recorder: ApiKeysRecorder,
    private readonly actors: ActorsReader,
    private readonly audit: AuditRecorder,
    private readonly cursors: Cursors,
  ) {}

  async create(ctx: Context, { scopes, ...input }: CreateApiKey): Promise<[ApiKeyEntity, string]> {
    return this.transactions.run(ctx, async (tx) => {
      const { permissions, key } = await this.actors.holding(tx, ctx, 'api-keys:write');
      const given = scopes ?? [...permissions];
      refuseExcess(permissions, given);
      return this.recorder.issue(tx, ctx, { ...withinBounds(key, input), scopes: given });
    });
  }

  async list(ctx: Context, { limit, cursor, createdBy }: ListApiKeys): Promise<Page<ApiKeyEntity>> {
    const list = `api-keys ${ctx.actor} ${createdBy ?? ''}`;
    const [afterId] = this.cursors.read(ctx, list, cursor) ?? [];
    const rows = await this.transactions.run(ctx, async (tx) => {
      if (cursor === undefined) await this.audit.recordRead(tx, ctx, 'api_key.listed');
      return this.keys.list(tx, createdBy, limit, afterId as string | undefined);
    });
    return this.cursors.page(ctx, list, rows, limit, (key) => [key.id]);
  }

  /**
   * A new secret for the same key. The one it had works for a while yet; one from before that no longer does.
   *
   * @returns the key, and its text, which nobody can read again
   */
  async rotate(ctx: Context, id: string, { overlapSeconds }: RotateApiKey): Promise<[ApiKeyEntity, string]> {
    return this.transactions.run(ctx, async (tx) => {
      // Before the key: members go before their keys when these are revoked with them, too.
      const { permissions, key: asking } = await this.actors.holding(tx, ctx, 'api-keys:write');
      const before = await this.keys.lock(tx, id);
      if (!before) throw apiKeyNotFound();
      // Who rotates a key has it.
      refuseExcess(permissions, before.scopes);
      if (asking && asking.id !== id && exceeds(before, asking)) throw keyExceedsYours();
      const text = newApiKeyText(tx.tenantId);
      const secrets = {
        secretHash: sha256(text),
        hint: hintOf(text),
        previousSecretHash: overlapSeconds > 0 ? before.secretHash : null,
        previousSecretExpiresAt: overlapSeconds > 0 ? new Date(Date.now() + overlapSeconds * 1000) : null,
      };
      const after = { ...before, ...secrets };
      await this.keys.replaceSecret(tx, id, secrets);
      await this.audit.record(tx, ctx, {
        action: 'api_key.rotated',
        target: toPublicId('key', id),
        before: toApiKeyResponse(before),
        after: toApiKeyResponse(after),
      });
      return [after, text];
    });
  }

  async revoke(ctx: Context, id: string): Promise<void> {
    await this.transactions.run(ctx, async (tx) => {
      const key = await this.keys.get(tx, id);
      if (!key || !(await this.recorder.revoke(tx, ctx, key))) throw apiKeyNotFound();
    });
  }
}

/** How long a key lasts, and where it can be used from. */
type Bounds = Pick<ApiKeyEntity, 'expiresAt' | 'allowedIpRanges'>;

/** What a key has leaked to, or was lent to, ends with it: it makes none that goes on without it. */
function exceeds({ expiresAt, allowedIpRanges }: Bounds, own: Bounds): boolean {
  const lasts = own.expiresAt !== null && (expiresAt === null || expiresAt > own.expiresAt);
  const ranges = own.allowedIpRanges;
  const reaches = ranges !== null && !(allowedIpRanges?.every((range) => isRangeWithin(range, ranges)) ?? false);
  return lasts || reaches;
}

/** What is left out is as with the key that asks. @throws DomainError 403 */
function withinBounds<T extends Bounds>(asking: Bounds | undefined, input: T): T {
  if (!asking) return input;
  const bounded = {
    ...input,
    expiresAt: input.expiresAt ?? asking.expiresAt,
    allowedIpRanges: input.allowedIpRanges ?? asking.allowedIpRanges,
  };
  if (exceeds(bounded, asking)) throw keyExceedsYours();
  return bounded;
}

/** Nobody gives what they do not have. */
function refuseExcess(permissions: ReadonlySet<string>, scopes: readonly string[]): void {
  const excess = scopes.filter((scope) => !permissions.has(scope));
  if (excess.length > 0) throw scopesExceedYours(excess);
}
