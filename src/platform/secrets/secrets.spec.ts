import { describe, expect, it } from '@jest/globals';
import { sameSecret, Secrets } from './secrets.js';

const secrets = new Secrets(Buffer.alloc(32, 1));

describe('Secrets', () => {
  it('derives a key for each purpose, the same each time', () => {
    expect(secrets.key('a')).toEqual(new Secrets(Buffer.alloc(32, 1)).key('a'));
    expect(secrets.key('a')).not.toEqual(secrets.key('b'));
    expect(secrets.key('a')).not.toEqual(new Secrets(Buffer.alloc(32, 2)).key('a'));
  });
  it('opens what it sealed, never twice the same bytes', () => {
    const [one, two] = [secrets.seal('a', 'text'), secrets.seal('a', 'text')];
    expect(one.equals(two)).toBe(false);
    expect(secrets.open('a', one)).toBe('text');
  });
  it('opens nothing that was changed or sealed for another purpose', () => {
    const sealed = secrets.seal('a', 'text');
    const changed = Buffer.from(sealed);
    changed[20] = (changed[20] ?? 0) ^ 1;
    expect(() => secrets.open('b', sealed)).toThrow(/authenticate/);
    expect(() => secrets.open('a', changed)).toThrow(/authenticate/);
  });
});

describe('sameSecret', () => {
  it('compares secrets of any length', () => {
    expect(sameSecret('abc', 'abc')).toBe(true);
    expect(sameSecret('abc', 'abcd')).toBe(false);
  });
});
