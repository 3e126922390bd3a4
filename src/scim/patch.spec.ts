import { describe, expect, it } from '@jest/globals';
import { applyPatch } from './patch.js';
import { GROUP, USER } from './scim-attributes.js';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const work = { type: 'work', value: 'a@work.example', primary: true };
const home = { type: 'home', value: 'a@home.example' };

const CASES: Array<[string, object, object, object]> = [
  ['sets an attribute', {}, { op: 'add', path: 'title', value: 'x' }, { title: 'x' }],
  ['knows operations and attributes in any case', {}, { op: 'ADD', path: 'TITLE', value: 'x' }, { title: 'x' }],
  ['clears an attribute by null', { title: 'x' }, { op: 'replace', path: 'title', value: null }, {}],
  ['clears an attribute by an empty text', { title: 'x' }, { op: 'replace', path: 'title', value: '' }, {}],
  ['removes an attribute', { title: 'x' }, { op: 'remove', path: 'title' }, {}],
  ['removes what is not there', {}, { op: 'remove', path: 'title' }, {}],
  ['reads a text as a truth', { active: true }, { op: 'replace', path: 'active', value: 'False' }, { active: false }],
  ['sets a part', { name: { givenName: 'A' } }, { op: 'replace', path: 'name.familyName', value: 'B' }, { name: { givenName: 'A', familyName: 'B' } }],
  ['merges parts', { name: { givenName: 'A' } }, { op: 'replace', path: 'name', value: { familyName: 'B' } }, { name: { givenName: 'A', familyName: 'B' } }],
  ['removes the last part', { name: { givenName: 'A' } }, { op: 'remove', path: 'name.givenName' }, {}],
  ['takes a path with the URN of the schema', {}, { op: 'add', path: 'urn:ietf:params:scim:schemas:core:2.0:User:title', value: 'x' }, { title: 'x' }],
  ['sets an attribute of the extension', {}, { op: 'add', path: `${ENTERPRISE}:department`, value: 'x' }, { [ENTERPRISE]: { department: 'x' } }],
  ['takes a text for a manager', {}, { op: 'add', path: `${ENTERPRISE}:manager`, value: 'x' }, { [ENTERPRISE]: { manager: { value: 'x' } } }],
  ['sets a part within the extension', {}, { op: 'add', path: `${ENTERPRISE}:manager.value`, value: 'x' }, { [ENTERPRISE]: { manager: { value: 'x' } } }],
  ['merges the extension', { [ENTERPRISE]: { division: 'd' } }, { op: 'replace', path: ENTERPRISE, value: { department: 'x' } }, { [ENTERPRISE]: { division: 'd', department: 'x' } }],
  ['removes the extension', { [ENTERPRISE]: { division: 'd' } }, { op: 'remove', path: ENTERPRISE }, {}],
  ['takes the extension within a value', {}, { op: 'add', value: { [ENTERPRISE]: { department: 'x' } } }, { [ENTERPRISE]: { department: 'x' } }],
  ['adds a value', { emails: [work] }, { op: 'add', path: 'emails', value: [home] }, { emails: [work, home] }],
  ['adds one value that is no list', { emails: [work] }, { op: 'add', path: 'emails', value: home }, { emails: [work, home] }],
  ['replaces all values', { emails: [work] }, { op: 'replace', path: 'emails', value: [home] }, { emails: [home] }],
  ['removes all values', { emails: [work, home] }, { op: 'remove', path: 'emails' }, {}],
  ['removes values that it names', { emails: [work, home] }, { op: 'remove', path: 'emails', value: [home] }, { emails: [work] }],
  ['removes values that it chooses', { emails: [work, home] }, { op: 'remove', path: 'emails[type eq "work"]' }, { emails: [home] }],
  ['changes a part of the values that it chooses', { emails: [work, home] }, { op: 'replace', path: 'emails[type eq "home"].value', value: 'b' }, { emails: [work, { type: 'home', value: 'b' }] }],
  ['changes the values that it chooses', { emails: [work, home] }, { op: 'replace', path: 'emails[primary eq true]', value: { value: 'b' } }, { emails: [{ ...work, value: 'b' }, home] }],
  ['makes the value that it would choose', {}, { op: 'replace', path: 'emails[type eq "work"].value', value: 'b' }, { emails: [{ type: 'work', value: 'b' }] }],
  ['makes it of several conditions', {}, { op: 'add', path: 'emails[type eq "work" and primary eq true].value', value: 'b' }, { emails: [{ type: 'work', primary: true, value: 'b' }] }],
  ['takes a bracket within a text', {}, { op: 'add', path: 'emails[type eq "a].b"].value', value: 'b' }, { emails: [{ type: 'a].b', value: 'b' }] }],
  ['changes a part of all values', { emails: [work, home] }, { op: 'replace', path: 'emails.display', value: 'A' }, { emails: [{ ...work, display: 'A' }, { ...home, display: 'A' }] }],
  ['has one primary value', { emails: [work] }, { op: 'add', path: 'emails', value: { ...home, primary: 'True' } }, { emails: [{ ...work, primary: false }, { ...home, primary: true }] }],
  ['leaves out what is not known', {}, { op: 'add', value: { password: 'x', id: 'x', groups: [], unknown: { a: 1 }, title: 'x' } }, { title: 'x' }],
]; // prettier-ignore

describe('applyPatch', () => {
  it.each(CASES)('%s', (_name, before, operation, after) => {
    const given = structuredClone(before) as Record<string, unknown>;
    expect(applyPatch(USER, given, [operation as { op: string }])).toEqual(after);
    expect(given).toEqual(before);
  });

  it('applies one after the other', () => {
    const operations = [
      { op: 'add', path: 'members', value: [{ value: 'a' }, { value: 'b' }] },
      { op: 'remove', path: 'members[value eq "a"]' },
      { op: 'add', path: 'members', value: [{ value: 'b', display: 'B' }, { value: 'c' }] },
    ];
    expect(applyPatch(GROUP, { displayName: 'g' }, operations)).toEqual({
      displayName: 'g',
      members: [{ value: 'b' }, { value: 'c' }],
    });
  });

  describe('of a long list', () => {
    const members = (count: number, prefix = 'm') =>
      Array.from({ length: count }, (_, n) => ({ value: `${prefix}${n}` }));
    const full = { displayName: 'g', members: members(10_000) };

    it('ends where it becomes too long, though later operations would make it shorter', () => {
      const value = members(1, 'more');
      const operations = [
        { op: 'add', path: 'members', value },
        { op: 'remove', path: 'members', value },
      ];
      expect(() => applyPatch(GROUP, full, operations)).toThrow('at most 10000 members');
      expect(() => applyPatch(GROUP, full, operations.toReversed())).toThrow('at most 10000 members');
      expect(() =>
        applyPatch(USER, { userName: 'u' }, [
          { op: 'add', path: 'emails', value: members(60, 'a') },
          { op: 'add', path: 'emails', value: members(60, 'b') },
          { op: 'remove', path: 'emails' },
        ]),
      ).toThrow('more than 100 values');
    });

    it('ends where operations and the terms of their filters make it too much work', () => {
      const filter = Array.from({ length: 50 }, () => 'value eq "x"').join(' and ');
      const removals = (count: number) =>
        Array.from({ length: count }, () => ({ op: 'remove', path: `members[${filter}]` }));
      expect(applyPatch(GROUP, full, removals(4))).toEqual(full);
      expect(() => applyPatch(GROUP, full, removals(5))).toThrow('patch_too_large');
      // Without a path there are as many of them as a value has keys.
      const keys = Array.from({ length: 5 }, (_, n) => `members[${filter}${' '.repeat(n)}]`);
      const whole = { op: 'replace', value: Object.fromEntries(keys.map((key) => [key, { value: 'x' }])) };
      expect(() => applyPatch(GROUP, { ...full, members: full.members.slice(0, 9_990) }, [whole])).toThrow(
        'patch_too_large',
      );
    });
  });

  it('removes a member by its value, whatever else is said of it', () => {
    const before = { displayName: 'g', members: [{ value: 'a' }, { value: 'b' }] };
    const value = [{ value: 'a', type: 'User', display: 'A', $ref: null }];
    expect(applyPatch(GROUP, before, [{ op: 'Remove', path: 'members', value }])).toMatchObject({
      members: [{ value: 'b' }],
    });
  });

  it.each(['__proto__', '__proto__.x', 'constructor.prototype.x', 'name.__proto__', `${ENTERPRISE}:__proto__`])(
    'reaches no prototype: %s',
    (path) => {
      expect(() => applyPatch(USER, {}, [{ op: 'add', path, value: { polluted: true } }])).toThrow('invalid_path');
      expect(
        applyPatch(USER, {}, [{ op: 'add', value: JSON.parse(`{"${path}":{"polluted":true}}`) as object }]),
      ).toEqual({});
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    },
  );
});
