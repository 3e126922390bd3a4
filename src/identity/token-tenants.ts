import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Transactions } from '../platform/database/transactions.js';
import { publicId } from '../platform/ids.js';
import { sha256 } from '../platform/secrets/secrets.js';
import { type PresentedToken, TokenRefused } from '../platform/tokens/bearer-token.js';
import { IdentityProvidersRepository, type Registration, type TokenOrigin } from './identity-providers.repository.js';

/** In ms: a change is in force everywhere after this time. */
const REMEMBERED_MS = 10_000;
const MOST = 10_000;
const SLUG = /^[a-z0-9-]{1,63}$/;

const tenantId = publicId('tnt');

/** Finds the tenant that takes a token: nothing in the token itself can name one. */
@Injectable()
export class TokenTenants {
  private readonly known: LRUCache<string, { registration: Registration | undefined }, TokenOrigin>;

  constructor(transactions: Transactions, providers: IdentityProvidersRepository) {
    this.known = new LRUCache({
      max: MOST,
      ttl: REMEMBERED_MS,
      fetchMethod: async (_key, _stale, { context }) => ({
        registration: await providers.registrationFor(transactions, context),
      }),
    });
  }

  /**
   * @param chosen public id or slug, by which somebody in several tenants says which is meant
   * @throws TokenRefused
   */
  async of({ claims }: PresentedToken, chosen: string | undefined): Promise<Registration> {
    const origin = { issuer: claims.iss, audiences: claims.aud, subject: claims.sub, tenant: tenantNamed(chosen) };
    const key = sha256(JSON.stringify(origin)).toString('base64');
    const { registration } = await this.known.forceFetch(key, { context: origin });
    if (registration) return registration;
    throw new TokenRefused(
      chosen === undefined
        ? 'no tenant, or more than one, takes tokens of its issuer for its audience'
        : 'the tenant asked for takes no tokens of its issuer for its audience',
    );
  }
}

function tenantNamed(chosen: string | undefined): TokenOrigin['tenant'] {
  if (chosen === undefined) return undefined;
  const id = tenantId.safeParse(chosen).data;
  if (id !== undefined) return { id };
  if (!SLUG.test(chosen)) throw new TokenRefused('Waypost-Tenant is neither an id nor a slug');
  return { slug: chosen };
}
