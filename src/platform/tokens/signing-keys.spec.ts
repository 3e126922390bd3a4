import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { keyFor, signingKeys } from './signing-keys.js';

const rsa = (bits: number) => generateKeyPairSync('rsa', { modulusLength: bits }).publicKey.export({ format: 'jwk' });
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' });
const ed25519 = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
const long = rsa(2_048);

const KEYS = signingKeys({
  keys: [
    { ...long, kid: 'rsa', use: 'sig' },
    { ...long, kid: 'rs512', alg: 'RS512', key_ops: ['verify'] },
    { ...rsa(1_024), kid: 'short' },
    { ...ec('P-256'), kid: 'p256' },
    { ...ec('P-384'), kid: 'p384' },
    { ...ed25519, kid: 'ed' },
    { ...ec('P-256'), kid: 'twice' },
    { ...long, kid: 'twice' },
  ],
});

describe('keyFor', () => {
  it.each([
    ['rsa', 'RS256'],
    ['rsa', 'PS512'],
    ['rs512', 'RS512'],
    ['p256', 'ES256'],
    ['p384', 'ES384'],
    ['ed', 'EdDSA'],
    ['twice', 'RS256'],
    ['twice', 'ES256'],
  ] as const)('has %s for %s', (kid, alg) => expect(keyFor(KEYS, { kid, alg })?.type).toBe('public'));

  it.each([
    ['short', 'RS256'],
    ['rs512', 'RS256'],
    ['rsa', 'ES256'],
    ['rsa', 'EdDSA'],
    ['p256', 'RS256'],
    ['p256', 'ES384'],
    ['p384', 'ES256'],
    ['p384', 'ES512'],
    ['ed', 'ES256'],
    ['other', 'RS256'],
  ] as const)('has none of %s for %s', (kid, alg) => expect(keyFor(KEYS, { kid, alg })).toBeUndefined());
});

describe('signingKeys', () => {
  it('passes over what can not be used, and keeps the rest', () => {
    const { d, ...open } = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' });
    const keys = [
      { ...open, d, kid: 'private' },
      { ...long, kid: 'encryption', use: 'enc' },
      { ...long, kid: 'signs', key_ops: ['sign'] },
      { ...long },
      { kty: 'oct', kid: 'secret', k: 'c2VjcmV0' },
      { kty: 'EC', kid: 'broken', crv: 'P-256', x: 'AA', y: 'AA' },
      { kty: 'EC', kid: 'odd', crv: 'P-1', x: 'AA', y: 'AA' },
      'no key',
      null,
      { ...long, kid: 'good' },
    ];
    expect(signingKeys({ keys }).map(({ kid }) => kid)).toEqual(['good']);
  });

  it.each([null, {}, [], 'keys', { keys: {} }])('finds none in %j', (document) =>
    expect(signingKeys(document)).toEqual([]),
  );
});
