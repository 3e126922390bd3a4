import { Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import type { Context, Tx } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { Cursors, type Page } from '../platform/http/pagination.js';
import { isRangeWithin } from '../platform/http/ip-range.js';
import { publicId, toPublicId } from '../platform/ids.js';
import { sha256 } from '../platform/secrets/secrets.js';
import type { ApiKeyEntity } from './api-key.entity.js';
import { apiKeyNotFound, keyExceedsYours, scopesExceedYours } from './api-key.errors.js';
import { type CreateApiKey, type ListApiKeys, type RotateApiKey, toApiKeyResponse } from './api-key.schemas.js';
import { hintOf, newApiKeyText } from './api-key-text.js';
import { ApiKeysRecorder } from './api-keys.recorder.js';
import { ApiKeysRepository } from './api-keys.repository.js';

const keyId = publicId('key');

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
    refuseExcess(ctx, scopes);
    return this.transactions.run(ctx, async (tx) => {
      const confined = withinBounds(await this.asking(tx, ctx), input);
      return this.recorder.issue(tx, ctx, { ...confined, scopes });
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
      const before = await this.keys.lock(tx, id);
      if (!before) throw apiKeyNotFound();
      // Who rotates a key has it.
      refuseExcess(ctx, before.scopes);
      const asking = await this.asking(tx, ctx);
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

  /** The key that asks; undefined for a member. */
  private async asking(tx: Tx, { actor }: Context): Promise<ApiKeyEntity | undefined> {
    const { data: id } = keyId.safeParse(actor);
    return id === undefined ? undefined : ((await this.keys.get(tx, id)) ?? undefined);
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
function refuseExcess(ctx: Context, scopes: readonly string[]): void {
  const excess = scopes.filter((scope) => !ctx.permissions.has(scope));
  if (excess.length > 0) throw scopesExceedYours(excess);
}
