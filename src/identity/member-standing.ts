import type { MemberEntity } from './member.entity.js';
import { roleFromDirectory } from './member.errors.js';
import { highestRole, type Role } from './permissions.js';

type Directory = Pick<
  MemberEntity,
  'directoryActive' | 'directoryRole' | 'directoryUserName' | 'directoryExternalId' | 'ownRole'
>;

/** Of a member whom no directory has provisioned. */
export const NOT_IN_DIRECTORY: Directory = {
  directoryActive: null,
  directoryRole: null,
  directoryUserName: null,
  directoryExternalId: null,
  ownRole: null,
};

type Known = Pick<MemberEntity, 'role' | 'directoryActive' | 'directoryRole' | 'ownRole' | 'subject'>;

/**
 * Role and status of somebody of the directory: the higher of what its groups give and what was given here beside. Who
 * is inactive there, or has neither, has no access; the role that they had last is kept, and with it what an editor is
 * confined to: whoever leaves a group and is taken in again is as free as before, and no more.
 */
export function standingOf(known: Known): Pick<MemberEntity, 'role' | 'status'> {
  const { directoryActive, directoryRole, ownRole, subject } = known;
  const role = highestRole([directoryRole, ownRole]);
  if (role === undefined || directoryActive !== true) return { role: role ?? known.role, status: 'deactivated' };
  return { role, status: subject === null ? 'invited' : 'active' };
}

/**
 * What giving a role here changes.
 *
 * @throws DomainError 409 where the directory's groups give a higher one: it would come back with their next change
 */
export function withOwnRole(member: MemberEntity, role: Role): Partial<MemberEntity> {
  const { directoryActive, directoryRole } = member;
  if (directoryActive === null) return { role };
  if (directoryRole !== null && highestRole([directoryRole, role]) !== role) throw roleFromDirectory(directoryRole);
  const ownRole = role === directoryRole ? null : role;
  return { ownRole, ...standingOf({ ...member, ownRole }) };
}
