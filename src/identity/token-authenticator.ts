import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Config, ConfigError, type PlatformOidc } from '../platform/config/config.js';
import type { Context } from '../platform/context/context.js';
import { systemContext } from '../platform/context/system-context.js';
import { Transactions } from '../platform/database/transactions.js';
import { NIL_UUID } from '../platform/ids.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { type PresentedToken, readToken, TokenRefused } from '../platform/tokens/bearer-token.js';
import { textsAt } from '../platform/tokens/claim-path.js';
import { TokenVerifier } from '../platform/tokens/token-verifier.js';
import { tenantSuspended, unauthenticated } from './api-key.errors.js';
import type { Registration } from './identity-providers.repository.js';
import { directoryKey, mappedRole, verifiedEmail } from './mapped-role.js';
import { memberContext, type RequestFacts } from './member-context.js';
import type { MemberEntity } from './member.entity.js';
import { MembersReader, type Person } from './members.reader.js';
import { PLATFORM_PERMISSIONS } from './permissions.js';
import { TokenTenants } from './token-tenants.js';

/** In ms: whoever is removed, or gets another role, keeps the old one for this long. */
const REMEMBERED_MS = 10_000;
const MOST_MEMBERS = 10_000;

interface Login {
  tenantId: string;
  person: Person;
  request: RequestFacts;
}

/** Finds out who asks with an access token of an identity provider. */
@Injectable()
export class TokenAuthenticator {
  private readonly operators: PlatformOidc | undefined;
  private readonly known = new LRUCache<string, MemberEntity, Login>({
    max: MOST_MEMBERS,
    ttl: REMEMBERED_MS,
    fetchMethod: (_key, _stale, { context }) => this.memberOf(context),
  });

  constructor(
    { platformOidc }: Config,
    private readonly tenants: TokenTenants,
    private readonly verifier: TokenVerifier,
    private readonly transactions: Transactions,
    private readonly members: MembersReader,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    assertKnownPermissions(platformOidc);
    this.operators = platformOidc;
  }

  /** @throws DomainError 401, the same for every reason, which the log has; 403 for a suspended tenant */
  async authenticate(text: string, request: RequestFacts, tenant: string | undefined): Promise<Context> {
    try {
      const token = readToken(text, new Date());
      return this.operators && tenant === undefined && isOf(this.operators, token)
        ? await this.asOperator(this.operators, token, request)
        : await this.asMember(token, request, tenant);
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error;
      const traceId = request.traceparent.split('-')[1];
      this.logger.info({ reason: error.message, requestId: request.requestId, traceId }, 'A token was refused');
      throw unauthenticated();
    }
  }

  private async asMember(token: PresentedToken, request: RequestFacts, tenant: string | undefined): Promise<Context> {
    const registration = await this.tenants.of(token, tenant);
    await this.verifier.verify(token);
    if (registration.suspended) throw tenantSuspended();
    const { tenantId } = registration;
    const person = personOf(registration, token);
    const member = await this.known.fetch(JSON.stringify([tenantId, person]), {
      context: { tenantId, person, request },
    });
    if (!member) throw new TokenRefused('nobody of the tenant, and no role by the mapping');
    return memberContext(member, request);
  }

  private async memberOf({ tenantId, person, request }: Login): Promise<MemberEntity | undefined> {
    const member = await this.transactions.run(systemContext(tenantId), (tx) =>
      this.members.memberOf(tx, person, request),
    );
    if (member) this.members.noteSeen(memberContext(member, request), member);
    return member;
  }

  private async asOperator(operators: PlatformOidc, token: PresentedToken, request: RequestFacts): Promise<Context> {
    await this.verifier.verify(token);
    const permissions = new Set(permissionsOf(operators, token));
    if (permissions.size === 0) throw new TokenRefused('no operator, by the role claim');
    const { requestId, traceparent, clientAddress, addressPrefix } = request;
    const actor = `platform:${token.claims.sub}`;
    const facts = { requestId, traceparent, clientAddress, addressPrefix };
    return { ...facts, tenantId: NIL_UUID, platform: true, actor, permissions };
  }
}

const isOf = ({ issuer, audience }: PlatformOidc, { claims }: PresentedToken): boolean =>
  claims.iss === issuer && claims.aud.includes(audience);

const permissionsOf = ({ roleClaim, roles }: PlatformOidc, { claims }: PresentedToken): string[] =>
  textsAt(claims, roleClaim)
    .flatMap((value) => (Object.hasOwn(roles, value) ? (roles[value] ?? []) : []))
    .flatMap((permission) => (permission === '*' ? PLATFORM_PERMISSIONS : [permission]));

function personOf(registration: Registration, { claims }: PresentedToken): Person {
  return {
    providerId: registration.id,
    subject: claims.sub,
    email: verifiedEmail(registration.emailDomains, claims),
    name: typeof claims.name === 'string' ? nameOf(claims.name) : undefined,
    mappedRole: mappedRole(registration, claims),
    directoryKey: directoryKey(registration.directory, claims),
  };
}

/** By characters, not by their halves: half of one can not be stored. */
const nameOf = (claim: string): string | undefined => [...claim.trim()].slice(0, 200).join('') || undefined;

function assertKnownPermissions(operators: PlatformOidc | undefined): void {
  const known: ReadonlySet<string> = new Set(['*', ...PLATFORM_PERMISSIONS]);
  const unknown = Object.values(operators?.roles ?? {})
    .flat()
    .filter((permission) => !known.has(permission));
  if (unknown.length > 0) throw new ConfigError(`PLATFORM_OIDC_ROLES: there is no permission ${unknown.join(', ')}`);
}
