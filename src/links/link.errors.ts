import { DomainError, invalidField } from '../platform/http/domain-error.js';

export const linkNotFound = (): DomainError => new DomainError('not_found', 'link_not_found', 'There is no such link.');

export const keyTaken = (domain: string, key: string): DomainError =>
  new DomainError('conflict', 'key_taken', `The key ${key} is already used on ${domain}.`);

export const externalIdTaken = (externalId: string): DomainError =>
  new DomainError('conflict', 'external_id_taken', `Another link has the externalId ${externalId}.`);

export const outsideRestrictions = (): DomainError =>
  new DomainError(
    'forbidden',
    'outside_restrictions',
    'You are confined to some domains or tags, and this link would not be among them.',
  );

/** Only operators can change it now. */
export const linkTakenDown = (): DomainError =>
  new DomainError(
    'conflict',
    'link_taken_down',
    "The platform's operators have taken this link down: it can neither be changed nor deleted.",
  );

export const alreadyTakenDown = (): DomainError =>
  new DomainError('conflict', 'already_taken_down', 'This link has been taken down before. Lift that takedown first.');

export const takedownNotFound = (): DomainError =>
  new DomainError('not_found', 'takedown_not_found', 'There is no such takedown in force.');

export const expiresBeforeStart = (): DomainError =>
  invalidField('/expiresAt', 'expires_before_start', 'A link must expire after it starts.');

export const clicksNotCounted = (): DomainError =>
  invalidField(
    '/sharedMaxAge',
    'clicks_not_counted',
    'What a shared cache answers is not counted, so a link with maxClicks can not have a sharedMaxAge.',
  );

/** Every code tried was taken by a custom key: the domain's codes are used up at this length. */
export const codesExhausted = (domain: string): DomainError =>
  new DomainError(
    'conflict',
    'codes_exhausted',
    `No free code was found on ${domain}. Give the domain a longer codeLength.`,
  );

/** The link's domain was deleted at the same time. */
export const domainGone = (): DomainError =>
  invalidField('/domain', 'unknown_domain', 'This domain has just been deleted.');
