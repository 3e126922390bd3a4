import { DomainError, invalidField } from '../platform/http/domain-error.js';

export const identityProviderNotFound = (): DomainError =>
  new DomainError('not_found', 'identity_provider_not_found', 'There is no such identity provider.');

export const identityProviderTaken = (): DomainError =>
  new DomainError('conflict', 'identity_provider_taken', 'You have this issuer with this audience already.');

export const issuerNotHttps = (): DomainError =>
  invalidField('/issuer', 'invalid_issuer', 'This Waypost takes no providers over plain http.');

export const roleClaimNeeded = (): DomainError =>
  invalidField('/roleClaim', 'required', 'Say which claim the mapping reads.');
