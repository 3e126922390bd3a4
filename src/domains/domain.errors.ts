import { DomainError, invalidField } from '../platform/http/domain-error.js';

export const domainNotFound = (): DomainError =>
  new DomainError('not_found', 'domain_not_found', 'There is no such domain.');

export const hostnameTaken = (hostname: string): DomainError =>
  new DomainError('conflict', 'hostname_taken', `The hostname ${hostname} is already in use.`);

export const domainInUse = (hostname: string): DomainError =>
  new DomainError('conflict', 'domain_in_use', `The domain ${hostname} still has links. Move or delete them first.`);

export const caseRuleFixed = (hostname: string): DomainError =>
  new DomainError(
    'conflict',
    'domain_case_fixed',
    `The domain ${hostname} has links: caseSensitive can not change now.`,
  );

export const primaryNeeded = (): DomainError =>
  new DomainError('conflict', 'primary_domain_needed', 'Make another domain the primary one instead.');

/** A link names a domain that the tenant does not have. */
export const unknownDomain = (hostname: string): DomainError =>
  invalidField('/domain', 'unknown_domain', `You have no domain ${hostname}.`);

/** A link names no domain and the tenant has none. */
export const noDomain = (): DomainError => invalidField('/domain', 'no_domain', 'Add a domain first.');
