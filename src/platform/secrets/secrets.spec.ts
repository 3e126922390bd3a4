import { createCipheriv } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { NamedMacs, sameSecret, Secrets } from './secrets.js';

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
    expect(() => secrets.open('b', sealed)).toThrow(/authenticate/);
    for (let at = 0; at < sealed.length; at++) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(() => secrets.open('a', changed)).toThrow(/authenticate/);
      expect(() => secrets.open('a', sealed.subarray(0, at))).toThrow(/authenticate/);
    }
  });
});

/** As it was sealed before there were key ids: iv, tag, text under the purpose's key itself. */
function sealedAsBefore(key: Buffer, text: string): Buffer {
  const iv = Buffer.alloc(12, 9);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
}

describe('Secrets after a rotation', () => {
  const [oldKey, newKey] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const rotated = new Secrets(newKey, [oldKey]);
  const alone = new Secrets(newKey);

  it.each([
    ['as it is sealed now', secrets.seal('a', 'text')],
    ['as it was sealed without a key id', sealedAsBefore(secrets.key('a'), 'text')],
  ])('open what is under the old key, and seal it anew: %s', (_what, sealed) => {
    expect(rotated.open('a', sealed)).toBe('text');
    expect(() => alone.open('a', sealed)).toThrow(/authenticate/);

    const anew = rotated.reseal('a', sealed);
    expect(anew.subarray(0, 5)).toEqual(rotated.header);
    expect(alone.open('a', anew)).toBe('text');
    expect(() => secrets.open('a', anew)).toThrow(/authenticate/);
  });

  it('seal under the new key alone', () => {
    expect(alone.open('a', rotated.seal('a', 'text'))).toBe('text');
  });

  it('do not touch the text when they seal anew what names its key: its key alone', () => {
    const sealed = secrets.seal('a', 'text');
    expect(rotated.reseal('a', sealed).subarray(65)).toEqual(sealed.subarray(65));
  });

  it('accept what the old key signed, and no more than that', () => {
    const mac = secrets.sign('cursor', 'text').subarray(0, 12);
    expect(rotated.isSigned('cursor', 'text', mac)).toBe(true);
    expect(alone.isSigned('cursor', 'text', mac)).toBe(false);
    expect(rotated.isSigned('cursor', 'other', mac)).toBe(false);
  });

  it('know the keys that a thing may have been written with, the present one first', () => {
    expect(rotated.keysFor('clicks', 'x')).toEqual([alone.keyFor('clicks', 'x'), secrets.keyFor('clicks', 'x')]);
  });
});

describe('NamedMacs', () => {
  const macs = NamedMacs.current(secrets, 'a');
  it('check what they made, and nothing that was changed', () => {
    const mac = macs.make('text');
    expect(macs.check('text', mac)).toBe(true);
    expect(macs.check('Text', mac)).toBe(false);
    for (let at = 0; at < mac.length; at++) {
      const changed = Buffer.from(mac);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(macs.check('text', changed)).toBe(false);
    }
    expect(macs.check('text', mac.subarray(0, -1))).toBe(false);
  });
  it('name their key, by which codes of another are told apart', () => {
    const other = new Secrets(Buffer.alloc(32, 2));
    const both = new NamedMacs(
      new Map([
        [secrets.keyId, secrets.key('a')],
        [other.keyId, other.key('a')],
      ]),
      other.keyId,
    );
    expect(both.check('text', macs.make('text'))).toBe(true);
    expect(macs.check('text', both.make('text'))).toBe(false);
  });
});

describe('sameSecret', () => {
  it('compares secrets of any length', () => {
    expect(sameSecret('abc', 'abc')).toBe(true);
    expect(sameSecret('abc', 'abcd')).toBe(false);
  });
});
