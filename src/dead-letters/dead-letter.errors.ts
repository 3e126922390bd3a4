import { DomainError } from '../platform/http/domain-error.js';

export const deadLetterNotFound = (): DomainError =>
  new DomainError('not_found', 'dead_letter_not_found', 'There is no such dead letter.');

export const alreadyRedriven = (): DomainError =>
  new DomainError('conflict', 'already_redriven', 'What this dead letter holds has been stored after all.');
