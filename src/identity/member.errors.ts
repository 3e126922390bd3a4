import { DomainError, invalidField } from '../platform/http/domain-error.js';
import type { Role } from './permissions.js';

export const memberNotFound = (): DomainError =>
  new DomainError('not_found', 'member_not_found', 'There is no such member.');

export const emailTaken = (email: string): DomainError =>
  new DomainError('conflict', 'email_taken', `Another member has the e-mail address ${email}.`);

export const lastOwner = (): DomainError =>
  new DomainError('conflict', 'last_owner', 'This is the last owner. Make somebody else an owner first.');

export const roleFromDirectory = (role: Role): DomainError =>
  new DomainError('conflict', 'role_from_directory', `Their groups in your directory give them the role ${role}.`);

export const roleAboveYours = (role: Role): DomainError =>
  new DomainError('forbidden', 'role_above_yours', `The role ${role} may do more than these credentials.`);

export const onlyEditorsAreRestricted = (): DomainError =>
  invalidField('/restrictions', 'only_for_editors', 'Only editors can be confined to domains or tags.');

export const restrictedToUnknownDomain = (index: number): DomainError =>
  invalidField(`/restrictions/domains/${index}`, 'unknown_domain', 'There is no such domain.');
