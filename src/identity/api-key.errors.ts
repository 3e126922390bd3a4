import { DomainError } from '../platform/http/domain-error.js';

export const apiKeyNotFound = (): DomainError =>
  new DomainError('not_found', 'api_key_not_found', 'There is no such API key.');

export const scopesExceedYours = (scopes: string[]): DomainError =>
  new DomainError('forbidden', 'scopes_exceed_yours', `You can not give what you do not have: ${scopes.join(', ')}.`);

/** Missing, malformed, unknown, revoked, expired: all answered alike. */
export const unauthenticated = (): DomainError =>
  new DomainError(
    'unauthenticated',
    'unauthenticated',
    'Credentials are missing or not valid. Send Authorization: Bearer <API key>.',
  );

export const forbidden = (permission: string): DomainError =>
  new DomainError('forbidden', 'forbidden', `These credentials do not have the permission ${permission}.`);

export const tenantSuspended = (): DomainError =>
  new DomainError('forbidden', 'tenant_suspended', 'This tenant is suspended. Ask the operators of this platform.');
