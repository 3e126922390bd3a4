import { describe, expect, it } from '@jest/globals';
import { claimAt, textsAt } from './claim-path.js';

const claims = {
  roles: ['admin', 7, null],
  group: 'staff',
  realm_access: { roles: ['editor'] },
  resource_access: { 'go.example.com': { roles: ['viewer'] } },
  'https://example.com/roles': ['owner'],
};

describe('claimAt', () => {
  it.each([
    ['roles', ['admin', 7, null]],
    ['realm_access.roles', ['editor']],
    ['resource_access.go.example.com.roles', ['viewer']],
    ['https://example.com/roles', ['owner']],
    ['realm_access', { roles: ['editor'] }],
  ])('finds %s', (path, value) => expect(claimAt(claims, path)).toEqual(value));

  it.each([
    '',
    '.',
    'no',
    'roles.0',
    'group.length',
    'realm_access.',
    '.roles',
    'constructor',
    '__proto__.roles',
    'a.b.c',
  ])('finds nothing at %j', (path) => expect(claimAt(claims, path)).toBeUndefined());
});

describe('textsAt', () => {
  it('gives one text and those of a list, and nothing else', () => {
    expect(textsAt(claims, 'group')).toEqual(['staff']);
    expect(textsAt(claims, 'roles')).toEqual(['admin']);
    expect(textsAt(claims, 'realm_access')).toEqual([]);
    expect(textsAt(claims, 'no')).toEqual([]);
  });
});
