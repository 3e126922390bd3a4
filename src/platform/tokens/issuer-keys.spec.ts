import { generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { IssuerKeys } from './issuer-keys.js';
import type { SigningKey } from './signing-keys.js';

const { publicKey: key } = generateKeyPairSync('ed25519');
const named = (kid: string): SigningKey => ({ kid, alg: undefined, key });
const wanted = (kid: string) => ({ kid, alg: 'EdDSA' as const });
const MINUTE = 60_000;

describe('IssuerKeys', () => {
  let clock: number;
  let published: SigningKey[];
  let away: Error | undefined;
  let asked: number;
  let failures: unknown[];
  let keys: IssuerKeys;

  beforeEach(() => {
    clock = 1_000_000;
    published = [named('one')];
    away = undefined;
    asked = 0;
    failures = [];
    const load = async (): Promise<SigningKey[]> => {
      asked++;
      await new Promise(setImmediate);
      if (away) throw away;
      return published;
    };
    keys = new IssuerKeys(
      load,
      (error) => failures.push(error),
      () => clock,
    );
  });

  /** Until a fetch beside the requests is over. */
  const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

  it('asks the provider once for all who come at the same time, and then remembers', async () => {
    await Promise.all(Array.from({ length: 50 }, () => keys.find(wanted('one'))));
    clock += 4 * MINUTE;
    expect(await keys.find(wanted('one'))).toBe(key);
    expect(asked).toBe(1);
  });

  it('asks again, once, for a key that is new', async () => {
    await keys.find(wanted('one'));
    published = [named('two')];
    await Promise.all(Array.from({ length: 50 }, () => keys.find(wanted('two'))));
    expect(asked).toBe(2);
    await expect(keys.find(wanted('one'))).rejects.toThrow('no key one');
  });

  it('asks no more than three times in half a minute, however many keys are made up', async () => {
    for (let n = 0; n < 500; n++) await expect(keys.find(wanted(`made-up-${n}`))).rejects.toThrow('no key');
    expect(asked).toBe(3);
    expect(await keys.find(wanted('one'))).toBe(key);
    clock += MINUTE / 2;
    for (let n = 0; n < 500; n++) await expect(keys.find(wanted(`made-up-${n}`))).rejects.toThrow('no key');
    expect(asked).toBe(6);
  });

  it('renews them beside the requests', async () => {
    await keys.find(wanted('one'));
    clock += 6 * MINUTE;
    published = [named('two')];
    expect(await keys.find(wanted('one'))).toBe(key);
    await settled();
    expect(await keys.find(wanted('two'))).toBe(key);
    expect(asked).toBe(2);
  });

  it('goes on with known keys for an hour while the provider is away, and no longer', async () => {
    await keys.find(wanted('one'));
    away = new Error('away');
    clock += 59 * MINUTE;
    expect(await keys.find(wanted('one'))).toBe(key);
    await settled();
    await expect(keys.find(wanted('two'))).rejects.toThrow('no key two');
    clock += 2 * MINUTE;
    await expect(keys.find(wanted('one'))).rejects.toThrow('away');
    expect(failures.length).toBeGreaterThanOrEqual(2);
    away = undefined;
    clock += MINUTE;
    expect(await keys.find(wanted('one'))).toBe(key);
  });

  it('says why when it has nothing to go by', async () => {
    away = new Error('away');
    for (let n = 0; n < 20; n++) await expect(keys.find(wanted('one'))).rejects.toThrow('away');
    expect(asked).toBe(3);
    expect(failures).toEqual([away, away, away]);
  });
});
