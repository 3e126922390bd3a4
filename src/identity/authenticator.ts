import { Inject, Injectable } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import type { Context } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { NIL_UUID, toPublicId } from '../platform/ids.js';
import { sameSecret, sha256 } from '../platform/secrets/secrets.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { tenantSuspended, unauthenticated } from './api-key.errors.js';
import { tenantOfApiKey } from './api-key-text.js';
import { ApiKeysRepository, type KnownKey } from './api-keys.repository.js';
import { PLATFORM_PERMISSIONS } from './permissions.js';

const NOTED_EVERY_MS = 60_000;

type RequestFacts = Pick<Context, 'requestId' | 'traceparent'>;

/** Finds out who asks. */
@Injectable()
export class Authenticator {
  constructor(
    private readonly config: Config,
    private readonly transactions: Transactions,
    private readonly keys: ApiKeysRepository,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * @param authorization the header `Authorization`
   * @throws DomainError 401, the same for every reason; 403 for a suspended tenant
   */
  async authenticate(authorization: string | undefined, request: RequestFacts): Promise<Context> {
    const [, token] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
    if (token === undefined) throw unauthenticated();
    if (sameSecret(token, this.config.platformKey)) return operator(request);
    const tenantId = tenantOfApiKey(token);
    if (tenantId === undefined) throw unauthenticated();
    return this.asTenant(tenantId, token, request);
  }

  private async asTenant(tenantId: string, token: string, request: RequestFacts): Promise<Context> {
    const key = await this.keys.findByHash(this.transactions, tenantId, sha256(token));
    if (!key || (key.expiresAt && key.expiresAt <= new Date())) throw unauthenticated();
    if (key.suspended) throw tenantSuspended();
    const actor = toPublicId('key', key.id);
    const ctx = { ...request, tenantId, platform: false, actor, permissions: new Set(key.scopes) };
    this.noteUse(ctx, key);
    return ctx;
  }

  /** Beside the request, once a minute and key: nobody waits for it, and a failure costs a date. */
  private noteUse(ctx: Context, key: KnownKey): void {
    if (key.lastUsedAt && Date.now() - key.lastUsedAt.getTime() < NOTED_EVERY_MS) return;
    this.transactions
      .run({ ...ctx }, (tx) => this.keys.touch(tx, key.id))
      .catch((error: unknown) => this.logger.warn({ reason: String(error) }, 'The use of an API key was not noted'));
  }
}

const operator = (request: RequestFacts): Context => ({
  ...request,
  tenantId: NIL_UUID,
  platform: true,
  actor: 'platform',
  permissions: new Set(PLATFORM_PERMISSIONS),
});
