import { describe, expect, it } from '@jest/globals';
import { mappedRole, verifiedEmail } from './mapped-role.js';

const mapping = {
  roleClaim: 'groups',
  roleMapping: { staff: 'viewer', marketing: 'editor', it: 'admin' },
  defaultRole: null,
} as const;

describe('mappedRole', () => {
  it.each([
    ['one value', { groups: 'staff' }, 'viewer'],
    ['a list', { groups: ['other', 'marketing'] }, 'editor'],
    ['the one that may do most', { groups: ['staff', 'it', 'marketing'] }, 'admin'],
    ['none for other values', { groups: ['constructor', 'STAFF', 'toString'] }, undefined],
    ['none without the claim', {}, undefined],
    ['none for a claim of another shape', { groups: { staff: true } }, undefined],
  ] as const)('is that of %s', (_name, claims, role) => expect(mappedRole(mapping, claims)).toBe(role));

  it('falls back to the default', () => {
    expect(mappedRole({ ...mapping, defaultRole: 'analyst' }, {})).toBe('analyst');
    expect(mappedRole({ ...mapping, defaultRole: 'analyst' }, { groups: 'staff' })).toBe('viewer');
    expect(mappedRole({ roleClaim: null, roleMapping: {}, defaultRole: 'viewer' }, { null: 'it' })).toBe('viewer');
  });
});

describe('verifiedEmail', () => {
  const domains = ['example.com', 'example.org'];
  it('is one of a domain of the provider, which says that it has verified it', () =>
    expect(verifiedEmail(domains, { email: 'Ada@EXAMPLE.com', email_verified: true })).toBe('Ada@EXAMPLE.com'));

  it.each([
    { email: 'ada@example.com' },
    { email: 'ada@example.com', email_verified: false },
    { email: 'ada@example.com', email_verified: 'true' },
    { email: 'ada@other.com', email_verified: true },
    { email: 'ada@example.com@other.com', email_verified: true },
    { email: 'ada@sub.example.com', email_verified: true },
    { email: ['ada@example.com'], email_verified: true },
    { email_verified: true },
  ])('is none for %j', (claims) => expect(verifiedEmail(domains, claims)).toBeUndefined());

  it('is none for a provider without domains', () =>
    expect(verifiedEmail([], { email: 'ada@example.com', email_verified: true })).toBeUndefined());
});
