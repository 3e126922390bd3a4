import { Inject, Injectable } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import type { Context } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { isInRanges } from '../platform/http/ip-range.js';
import { NIL_UUID, toPublicId } from '../platform/ids.js';
import { sameSecret, sha256 } from '../platform/secrets/secrets.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { tenantSuspended, unauthenticated } from './api-key.errors.js';
import { tenantOfApiKey } from './api-key-text.js';
import { ApiKeysRepository, type KnownKey } from './api-keys.repository.js';
import type { RequestFacts } from './member-context.js';
import { PLATFORM_PERMISSIONS, TLS_PROXY_PERMISSIONS } from './permissions.js';
import { presentedSecret } from './presented-secret.js';
import { TokenAuthenticator } from './token-authenticator.js';

const NOTED_EVERY_MS = 60_000;
/** The caller is not told: a stolen key would be known to be good. */
const REFUSED_ADDRESS = 'An API key was used from an address that it is not allowed from';

/** Finds out who asks. */
@Injectable()
export class Authenticator {
  /** Ids of keys whose use is being noted: many requests at once would wait for the row, each with a connection. */
  private readonly noting = new Set<string>();

  constructor(
    private readonly config: Config,
    private readonly transactions: Transactions,
    private readonly keys: ApiKeysRepository,
    private readonly tokens: TokenAuthenticator,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * @param authorization the header `Authorization`
   * @param tenant public id or slug of the tenant that a person asks for; an API key has one of its own
   * @throws DomainError 401, the same for every reason; 403 for a suspended tenant
   */
  async authenticate(authorization: string | undefined, request: RequestFacts, tenant?: string): Promise<Context> {
    const { token, password } = presentedSecret(authorization);
    const { platformKey, tlsAskKey } = this.config;
    const asked = token ?? password;
    if (asked !== undefined && tlsAskKey !== undefined && sameSecret(asked, tlsAskKey)) return tlsProxy(request);
    if (token === undefined) throw unauthenticated();
    if (sameSecret(token, platformKey)) return operator(request);
    if (token.includes('.')) return this.tokens.authenticate(token, request, tenant);
    const tenantId = tenantOfApiKey(token);
    if (tenantId === undefined) throw unauthenticated();
    return this.asTenant(tenantId, token, request);
  }

  private async asTenant(tenantId: string, token: string, request: RequestFacts): Promise<Context> {
    const key = await this.keys.findByHash(this.transactions, tenantId, sha256(token));
    if (!key || (key.expiresAt && key.expiresAt <= new Date())) throw unauthenticated();
    if (key.allowedIpRanges && !isInRanges(request.clientAddress, key.allowedIpRanges)) {
      this.logger.warn({ key: toPublicId('key', key.id), requestId: request.requestId }, REFUSED_ADDRESS);
      throw unauthenticated();
    }
    if (key.suspended) throw tenantSuspended();
    const actor = toPublicId('key', key.id);
    const ctx = { ...factsOf(request), tenantId, platform: false, actor, permissions: new Set(key.scopes) };
    this.noteUse(ctx, key);
    return ctx;
  }

  /** Beside the request, once a minute and key: nobody waits for it, and a failure costs a date. */
  private noteUse(ctx: Context, key: KnownKey): void {
    if (key.lastUsedAt && Date.now() - key.lastUsedAt.getTime() < NOTED_EVERY_MS) return;
    if (this.noting.has(key.id)) return;
    this.noting.add(key.id);
    this.transactions
      .run({ ...ctx }, (tx) => this.keys.touch(tx, key.id))
      .catch((error: unknown) => this.logger.warn({ reason: String(error) }, 'The use of an API key was not noted'))
      .finally(() => this.noting.delete(key.id));
  }
}

const platform = (request: RequestFacts, actor: string, permissions: readonly string[]): Context => ({
  ...factsOf(request),
  tenantId: NIL_UUID,
  platform: true,
  actor,
  permissions: new Set(permissions),
});

const operator = (request: RequestFacts): Context => platform(request, 'platform', PLATFORM_PERMISSIONS);

const tlsProxy = (request: RequestFacts): Context => platform(request, 'platform:tls-proxy', TLS_PROXY_PERMISSIONS);

/** Of a whole context, too: what else it has belongs to whoever it was made for. */
const factsOf = ({ requestId, traceparent, clientAddress, addressPrefix }: RequestFacts): RequestFacts => ({
  requestId,
  traceparent,
  clientAddress,
  addressPrefix,
});
