import { describe, expect, it } from '@jest/globals';
import { canonicalKey, keyOfPath, parseKey } from './link-key.js';

describe('parseKey', () => {
  it.each([
    'a',
    'summer-sale',
    'A.b_c~d',
    'team/2026/launch',
    'größe',
    'こんにちは',
    'مرحبا',
    '🚀',
    '👩‍👩‍👧',
    '2+2=4',
    'a'.repeat(190),
  ])('takes %s', (key) => expect(parseKey(key)).toBe(key.normalize('NFC')));

  it.each([
    ['', 'key_length'],
    ['a'.repeat(191), 'key_length'],
    ['a b', 'key_characters'],
    ['a\u0000b', 'key_characters'],
    ['a\nb', 'key_characters'],
    ['a?b', 'key_characters'],
    ['a#b', 'key_characters'],
    ['a%20b', 'key_characters'],
    ['a\\b', 'key_characters'],
    ['/a', 'key_characters'],
    ['a/', 'key_characters'],
    ['a//b', 'key_characters'],
    ['.', 'key_characters'],
    ['a/../b', 'key_characters'],
    ['\u202Eabc', 'key_characters'],
    ['robots.txt', 'key_reserved'],
    ['Favicon.ICO', 'key_reserved'],
    ['.well-known/acme', 'key_reserved'],
  ])('refuses %j', (key, code) => expect(parseKey(key)).toMatchObject({ code }));

  it('reads composed and decomposed letters as the same key', () => {
    expect(parseKey('cafe\u0301')).toBe('caf\u00e9');
  });
});

describe('canonicalKey', () => {
  it('keeps case where the domain distinguishes it', () => expect(canonicalKey('AbC', true)).toBe('AbC'));
  it('drops case where it does not', () => expect(canonicalKey('ÄBC', false)).toBe('äbc'));
});

describe('keyOfPath', () => {
  it.each([
    ['a', 'a'],
    ['a/', 'a'],
    ['a/b', 'a/b'],
    ['ÄBC', 'äbc'],
    ['cafe\u0301/', 'café'],
  ])('reads %j as %j', (path, key) => expect(keyOfPath(path, false)).toBe(key));

  it.each(['a', '🚀', 'İ', 'ᾂ'])('finds the longest key of %s, however it is spelled', (character) => {
    const key = parseKey(character.repeat(190));
    expect(typeof key).toBe('string');
    for (const caseSensitive of [true, false]) {
      const stored = canonicalKey(String(key), caseSensitive);
      for (const form of ['NFC', 'NFD']) expect(keyOfPath(`${stored.normalize(form)}/`, caseSensitive)).toBe(stored);
    }
  });

  it.each([381, 1_521, 16_000])('takes no path of %i letters for a key', (length) =>
    expect(keyOfPath('a'.repeat(length), true)).toBeUndefined(),
  );
});
