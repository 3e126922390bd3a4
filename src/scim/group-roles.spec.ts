import { describe, expect, it } from '@jest/globals';
import { roleOfGroups } from './group-roles.js';

const roles = { groupRoles: { Staff: 'viewer', Marketing: 'editor', Admins: 'admin' }, defaultRole: null } as const;

describe('roleOfGroups', () => {
  it.each([
    [['Marketing'], 'editor'],
    [['marketing', 'STAFF'], 'editor'],
    [['Staff', 'Admins', 'Marketing'], 'admin'],
    [['Others'], null],
    [[], null],
  ])('gives who is in %j the role %s', (names, role) => expect(roleOfGroups(roles, names)).toBe(role));

  it('gives the default to who is in none of the groups, and to nobody else', () => {
    expect(roleOfGroups({ ...roles, defaultRole: 'admin' }, ['Others'])).toBe('admin');
    expect(roleOfGroups({ ...roles, defaultRole: 'admin' }, ['Staff'])).toBe('viewer');
  });
});
