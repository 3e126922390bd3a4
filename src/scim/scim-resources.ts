import { toPublicId } from '../platform/ids.js';
import { isObject, type Values } from './resource-values.js';
import { GROUP, USER } from './scim-attributes.js';
import type { ScimGroupEntity } from './scim-group.entity.js';
import type { ScimUserEntity } from './scim-user.entity.js';

/** Somebody's membership in a group, with the other side's name. */
export interface Membership {
  groupId: string;
  userId: string;
  display: string;
}

export const userPublicId = (id: string): string => toPublicId('mem', id);
export const groupPublicId = (id: string): string => toPublicId('grp', id);

/** A weak entity tag: it says what is kept, whatever part of it an answer shows. */
export const versionOf = ({ version }: { version: number }): string => `W/"${version}"`;

/** What can be written of a user, as it is kept. */
export const userValues = ({ userName, externalId, active, attributes }: ScimUserEntity): Values => ({
  userName,
  ...(externalId !== null && { externalId }),
  active,
  ...attributes,
});

/** @param base address of the service, such as `https://waypost.example.com/scim/v2` */
export function toUser(user: ScimUserEntity, groups: readonly Membership[], base: string): Values {
  const extended = USER.extension !== undefined && USER.extension.id in user.attributes;
  return {
    schemas: [USER.core.id, ...(extended && USER.extension ? [USER.extension.id] : [])],
    id: userPublicId(user.id),
    ...userValues(user),
    ...(groups.length > 0 && {
      groups: groups.map(({ groupId, display }) => ({
        value: groupPublicId(groupId),
        $ref: `${base}/Groups/${groupPublicId(groupId)}`,
        display,
        type: 'direct',
      })),
    }),
    meta: meta('User', user, `${base}/Users/${userPublicId(user.id)}`),
  };
}

/** @param members undefined where they are not asked for */
export function toGroup(group: ScimGroupEntity, members: readonly Membership[], base: string): Values {
  return {
    schemas: [GROUP.core.id],
    id: groupPublicId(group.id),
    ...(group.externalId !== null && { externalId: group.externalId }),
    displayName: group.displayName,
    members: members.map(({ userId, display }) => ({
      value: userPublicId(userId),
      $ref: `${base}/Users/${userPublicId(userId)}`,
      display,
      type: 'User',
    })),
    meta: meta('Group', group, `${base}/Groups/${groupPublicId(group.id)}`),
  };
}

const meta = (
  resourceType: string,
  { version, createdAt, updatedAt }: ScimUserEntity | ScimGroupEntity,
  location: string,
): Values => ({
  resourceType,
  created: createdAt.toISOString(),
  lastModified: updatedAt.toISOString(),
  location,
  version: versionOf({ version }),
});

/** What people call somebody. */
export function nameOf({ userName, attributes }: Pick<ScimUserEntity, 'userName' | 'attributes'>): string {
  const { displayName, name } = attributes;
  if (typeof displayName === 'string') return displayName;
  if (!isObject(name)) return userName;
  if (typeof name.formatted === 'string') return name.formatted;
  const parts = [name.givenName, name.familyName].filter((part) => typeof part === 'string');
  return parts.join(' ') || userName;
}

/** The address by which invitations and members are known: the primary one, else that of work, else any. */
export function addressOf({ userName, attributes }: Pick<ScimUserEntity, 'userName' | 'attributes'>): string | null {
  const emails = (Array.isArray(attributes.emails) ? attributes.emails : []).filter(isObject);
  const withValue = emails.filter(({ value }) => typeof value === 'string');
  const chosen = withValue.find(({ primary }) => primary === true) ?? withValue.find(({ type }) => type === 'work');
  const address = (chosen ?? withValue[0])?.value;
  if (typeof address === 'string') return address;
  return userName.includes('@') ? userName : null;
}

const LIST_RESPONSE = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';

export const listResponse = (resources: Values[], totalResults = resources.length, startIndex = 1): Values => ({
  schemas: [LIST_RESPONSE],
  totalResults,
  startIndex,
  itemsPerPage: resources.length,
  Resources: resources,
});
