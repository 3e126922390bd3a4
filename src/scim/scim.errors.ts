import { DomainError } from '../platform/http/domain-error.js';

export const invalidFilter = (detail: string): DomainError => new DomainError('malformed', 'invalid_filter', detail);

export const invalidPath = (path: string): DomainError =>
  new DomainError('malformed', 'invalid_path', `There is no attribute ${path.slice(0, 200)}.`);

export const noTarget = (path: string): DomainError =>
  new DomainError('malformed', 'no_target', `Nothing is at ${path.slice(0, 200) || 'a path that is left out'}.`);

export const readOnly = (name: string): DomainError =>
  new DomainError('malformed', 'read_only', `${name} can not be changed.`);

export const invalidValue = (detail: string): DomainError => new DomainError('malformed', 'invalid_value', detail);

export const patchTooLarge = (): DomainError =>
  new DomainError('too_large', 'patch_too_large', 'The operations are too many for the lists that they change.');

export const userNotFound = (): DomainError => new DomainError('not_found', 'user_not_found', 'There is no such user.');

export const groupNotFound = (): DomainError =>
  new DomainError('not_found', 'group_not_found', 'There is no such group.');

export const userNameTaken = (): DomainError =>
  new DomainError('conflict', 'user_name_taken', 'Another user has this userName.');

export const groupNameTaken = (): DomainError =>
  new DomainError('conflict', 'group_name_taken', 'Another group has this displayName.');

export const directoryIdTaken = (): DomainError =>
  new DomainError('conflict', 'directory_id_taken', 'Another resource has this externalId.');

export const changedMeanwhile = (version: string): DomainError =>
  new DomainError('precondition_failed', 'changed_meanwhile', `The resource has the version ${version} now.`);

/** Of a schema, or a type of resource. */
export const documentNotFound = (): DomainError =>
  new DomainError('not_found', 'schema_not_found', 'There is no such schema.');

export const tooManyChanges = (): DomainError =>
  new DomainError('too_many', 'too_many_changes', 'Too many changes of this directory wait for their turn.');
