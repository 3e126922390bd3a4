import { DomainError } from '../platform/http/domain-error.js';

export const apiKeyNotFound = (): DomainError =>
  new DomainError('not_found', 'api_key_not_found', 'There is no such API key.');

export const scopesExceedYours = (scopes: string[]): DomainError =>
  new DomainError('forbidden', 'scopes_exceed_yours', `You can not give what you do not have: ${scopes.join(', ')}.`);

export const keyExceedsYours = (): DomainError =>
  new DomainError(
    'forbidden',
    'key_exceeds_yours',
    'A key gives no key that lasts longer than itself, or that can be used from elsewhere.',
  );

/** Missing, malformed, unknown, revoked, expired, from an address that is not allowed: all answered alike. */
export const unauthenticated = (): DomainError =>
  new DomainError(
    'unauthenticated',
    'unauthenticated',
    'Credentials are missing, not valid, or not allowed from your address. Send Authorization: Bearer <API key or access token>.',
  );

export const forbidden = (permission: string): DomainError =>
  new DomainError('forbidden', 'forbidden', `These credentials do not have the permission ${permission}.`);

export const tenantSuspended = (): DomainError =>
  new DomainError('forbidden', 'tenant_suspended', 'This tenant is suspended. Ask the operators of this platform.');
