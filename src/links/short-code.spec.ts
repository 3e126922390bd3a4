import { describe, expect, it } from '@jest/globals';
import { isOffensive, regionalNumber, shortCode } from './short-code.js';

const space = {
  key: new Uint8Array(32).fill(7),
  domainId: '019a0000-0000-7000-8000-000000000001',
  caseSensitive: true,
  length: 7,
};

describe('shortCode', () => {
  it('gives distinct numbers distinct codes of the length asked for', () => {
    const codes = Array.from({ length: 5_000 }, (_, n) => shortCode(BigInt(n), space));
    expect(new Set(codes).size).toBe(5_000);
    expect(codes.every((code) => /^[0-9A-Za-z]{7}$/.test(code))).toBe(true);
  });

  it('gives neighbours no hint of each other', () => {
    const [first, second] = [shortCode(1000n, space), shortCode(1001n, space)];
    const same = [...first].filter((character, place) => character === second[place]);
    expect(same.length).toBeLessThan(4);
  });

  it('is another permutation on another domain, under another key and without case', () => {
    const codes = [
      shortCode(1n, space),
      shortCode(1n, { ...space, domainId: '019a0000-0000-7000-8000-000000000002' }),
      shortCode(1n, { ...space, key: new Uint8Array(32).fill(8) }),
      shortCode(1n, { ...space, caseSensitive: false }),
    ];
    expect(new Set(codes).size).toBe(4);
  });

  it('uses lower case and digits alone where case is not distinguished', () => {
    const code = shortCode(99_999n, { ...space, caseSensitive: false });
    expect(code).toMatch(/^[0-9a-z]{7}$/);
  });

  it('stays the same from release to release: links out there depend on no two numbers meeting', () => {
    expect(shortCode(123_456_789n, space)).toMatchInlineSnapshot(`"hysspXg"`);
  });

  it('grows when the numbers of a length are used up', () => {
    expect(shortCode(62n ** 6n - 1n, { ...space, length: 6 })).toHaveLength(6);
    expect(shortCode(62n ** 6n, { ...space, length: 6 })).toHaveLength(7);
    expect(() => shortCode(62n ** 12n, space)).toThrow(RangeError);
  });
});

describe('regionalNumber', () => {
  it('shares numbers out so that no two regions hold the same', () => {
    const numbers = [0, 1, 2].flatMap((index) => [0n, 1n, 2n].map((n) => regionalNumber(n, { index, count: 3 })));
    expect(new Set(numbers).size).toBe(9);
  });
});

describe('isOffensive', () => {
  it.each(['xFUCKx1', 'aSh1tbb', 'n4z1abc'])('refuses %s', (code) => expect(isOffensive(code)).toBe(true));
  it.each(['xaKyOfn', 'XQFHbCF'])('lets %s through', (code) => expect(isOffensive(code)).toBe(false));
});
