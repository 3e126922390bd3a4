import { describe, expect, it } from '@jest/globals';
import { parseFilter } from './filter.js';

describe('parseFilter', () => {
  it.each([
    ['userName eq "a"', { op: 'eq', path: 'userName', value: 'a' }],
    [' userName\tEQ\n"a" ', { op: 'eq', path: 'userName', value: 'a' }],
    ['active eq TRUE', { op: 'eq', path: 'active', value: true }],
    ['n gt -1.5e3', { op: 'gt', path: 'n', value: -1500 }],
    ['title eq null', { op: 'eq', path: 'title', value: null }],
    ['title pr', { op: 'pr', path: 'title' }],
    ['a eq "say \\"hi\\" \\\\ \\u00e9"', { op: 'eq', path: 'a', value: 'say "hi" \\ é' }],
    ['urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value pr', { op: 'pr', path: 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value' }],
    ['emails[type eq "work"].value co "@a"', { op: 'some', path: 'emails', filter: { op: 'and', filters: [{ op: 'eq', path: 'type', value: 'work' }, { op: 'co', path: 'value', value: '@a' }] } }],
    ['not (a pr)', { op: 'not', filter: { op: 'pr', path: 'a' } }],
    ['not pr', { op: 'pr', path: 'not' }],
    ['emails[type eq "work"]', { op: 'some', path: 'emails', filter: { op: 'eq', path: 'type', value: 'work' } }],
  ])('reads %j', (text, filter) => expect(parseFilter(text)).toEqual(filter)); // prettier-ignore

  it('binds and closer than or, and parentheses closest', () => {
    const [a, b, c] = ['a', 'b', 'c'].map((path) => ({ op: 'pr', path }));
    expect(parseFilter('a pr or b pr and c pr')).toEqual({ op: 'or', filters: [a, { op: 'and', filters: [b, c] }] });
    expect(parseFilter('a pr and b pr or c pr')).toEqual({ op: 'or', filters: [{ op: 'and', filters: [a, b] }, c] });
    expect(parseFilter('a pr and (b pr or c pr)')).toEqual({ op: 'and', filters: [a, { op: 'or', filters: [b, c] }] });
  });

  it.each(['', ' ', 'a', 'a eq', 'a eq b', 'a eq "b', 'a pr b', '(a pr', 'a pr)', 'a[b pr', 'a[b pr).c pr', '"a" pr', 'a pr or', 'and', '💥 pr', 'a eq 1.2.3', '.a pr', 'a[b pr] .c', 'a eq .b', 'a eq "\\u0000"', 'a[b eq "x\\ud800"]'])(
    'refuses %j',
    (text) => expect(() => parseFilter(text)).toThrow(/invalid_filter/),
  ); // prettier-ignore

  it('refuses what is too long, too deep or too much', () => {
    expect(() => parseFilter(`a eq "${'x'.repeat(2_000)}"`)).toThrow('more than 2000 characters');
    expect(() => parseFilter(`${'('.repeat(30)}a pr${')'.repeat(30)}`)).toThrow('nested');
    expect(() => parseFilter(Array.from({ length: 51 }, () => 'a pr').join(' or '))).toThrow('more than 50 terms');
    expect(parseFilter(Array.from({ length: 50 }, () => 'a pr').join(' or '))).toMatchObject({ op: 'or' });
  });
});
