import { createPublicKey, type KeyObject, type webcrypto } from 'node:crypto';
import { z } from 'zod';
import type { Algorithm } from './bearer-token.js';

const MOST_KEYS = 100;
/** Shorter ones can be broken (RFC 7518, section 3.3); longer ones only cost time. */
const RSA_BITS = { least: 2_048, most: 8_192 };

const CURVES: Partial<Record<Algorithm, string>> = { ES256: 'prime256v1', ES384: 'secp384r1', ES512: 'secp521r1' };

/** A public key by which a provider's signatures can be checked. */
export interface SigningKey {
  kid: string;
  /** Undefined: any that suits the type of key. */
  alg: string | undefined;
  key: KeyObject;
}

const keySet = z.looseObject({ keys: z.array(z.unknown()) });
const publicKey = z.looseObject({
  kid: z.string().min(1),
  kty: z.enum(['RSA', 'EC', 'OKP']),
  use: z.literal('sig').optional(),
  key_ops: z
    .array(z.string())
    .refine((uses) => uses.includes('verify'))
    .optional(),
  alg: z.string().optional(),
  d: z.undefined().optional(),
});

/** The keys of a set (RFC 7517) that can be used; one of another kind, or for something else, is passed over. */
export function signingKeys(document: unknown): SigningKey[] {
  const set = keySet.safeParse(document);
  if (!set.success) return [];
  return set.data.keys.slice(0, MOST_KEYS).flatMap((candidate) => {
    const { data } = publicKey.safeParse(candidate);
    const key = data && imported(candidate as webcrypto.JsonWebKey);
    return key ? [{ kid: data.kid, alg: data.alg, key }] : [];
  });
}

function imported(jwk: webcrypto.JsonWebKey): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    return undefined; // of a curve that nobody knows here, or damaged: tokens signed with it are refused
  }
}

/** The key that a token names, if it is one for the token's algorithm. */
export const keyFor = (keys: SigningKey[], { kid, alg }: { kid: string; alg: Algorithm }): KeyObject | undefined =>
  keys.find((known) => known.kid === kid && (known.alg ?? alg) === alg && fits(known.key, alg))?.key;

function fits({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject, alg: Algorithm): boolean {
  if (alg === 'EdDSA') return asymmetricKeyType === 'ed25519' || asymmetricKeyType === 'ed448';
  if (CURVES[alg]) return asymmetricKeyType === 'ec' && asymmetricKeyDetails?.namedCurve === CURVES[alg];
  const { modulusLength: bits = 0 } = asymmetricKeyDetails ?? {};
  return asymmetricKeyType === 'rsa' && bits >= RSA_BITS.least && bits <= RSA_BITS.most;
}
