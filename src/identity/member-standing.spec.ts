import { describe, expect, it } from '@jest/globals';
import type { MemberEntity } from './member.entity.js';
import { standingOf, withOwnRole } from './member-standing.js';

const NO_ROLE = { role: 'viewer', directoryActive: true, directoryRole: null, ownRole: null, subject: null };
const member = (more: Partial<MemberEntity>) => ({ ...NO_ROLE, ...more }) as MemberEntity;

describe('standingOf', () => {
  it.each([
    [{ directoryRole: 'editor' }, 'editor', 'invited'],
    [{ directoryRole: 'editor', subject: 's' }, 'editor', 'active'],
    [{ directoryRole: 'editor', ownRole: 'owner' }, 'owner', 'invited'],
    [{ directoryRole: 'admin', ownRole: 'viewer' }, 'admin', 'invited'],
    [{ ownRole: 'analyst' }, 'analyst', 'invited'],
    [{ subject: 's' }, 'viewer', 'deactivated'],
    [{ role: 'editor', subject: 's' }, 'editor', 'deactivated'],
    [{ role: 'editor', directoryRole: 'analyst' }, 'analyst', 'invited'],
    [{ directoryActive: false, directoryRole: 'owner', subject: 's' }, 'owner', 'deactivated'],
  ] as const)('of %j is %s, %s', (more, role, status) => expect(standingOf(member(more))).toEqual({ role, status }));
});

describe('withOwnRole', () => {
  it('is the role alone of who is in no directory', () => {
    expect(withOwnRole(member({ directoryActive: null }), 'admin')).toEqual({ role: 'admin' });
  });
  it('goes beyond what the directory gives, or back to it, and never below', () => {
    const editor = member({ directoryRole: 'editor' });
    expect(withOwnRole(editor, 'owner')).toEqual({ ownRole: 'owner', role: 'owner', status: 'invited' });
    expect(withOwnRole({ ...editor, ownRole: 'owner' }, 'editor')).toMatchObject({ ownRole: null, role: 'editor' });
    expect(() => withOwnRole(editor, 'viewer')).toThrow('role_from_directory');
  });
  it('lets in who had no role, unless the directory says that they are inactive', () => {
    expect(withOwnRole(member({}), 'viewer')).toMatchObject({ status: 'invited' });
    expect(withOwnRole(member({ directoryActive: false }), 'viewer')).toMatchObject({ status: 'deactivated' });
  });
});
