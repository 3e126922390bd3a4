import { DomainError } from '../platform/http/domain-error.js';

export const tenantNotFound = (): DomainError =>
  new DomainError('not_found', 'tenant_not_found', 'There is no such tenant.');

export const slugTaken = (slug: string): DomainError =>
  new DomainError('conflict', 'slug_taken', `Another tenant has the slug ${slug}.`);
