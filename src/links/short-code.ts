import { FF1 } from '@noble/ciphers/ff1.js';

const DIGITS = '0123456789';
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const BASE36 = DIGITS + LOWER;
const BASE62 = DIGITS + LOWER.toUpperCase() + LOWER;

const MAX_CODE_LENGTH = 12;

interface CodeSpace {
  /** 32 bytes, the deployment's. */
  key: Uint8Array;
  /** UUID of the domain: each has a permutation of its own. */
  domainId: string;
  caseSensitive: boolean;
  /** Characters wanted; more are used once the numbers need them. */
  length: number;
}

/**
 * Turns a number into a short code: format-preserving encryption (NIST SP 800-38G, FF1 over AES-256) of its digits in
 * the code's own alphabet. Distinct numbers below `radix ** length` give distinct codes of that length, without a
 * look-up, and neighbours give no hint of each other.
 */
export function shortCode(number: bigint, { key, domainId, caseSensitive, length }: CodeSpace): string {
  const alphabet = caseSensitive ? BASE62 : BASE36;
  const radix = BigInt(alphabet.length);
  let places = length;
  while (number >= radix ** BigInt(places)) places++;
  if (places > MAX_CODE_LENGTH)
    throw new RangeError(`The number ${number} has no code of ${MAX_CODE_LENGTH} characters`);
  const digits = Array.from({ length: places }, () => 0);
  for (let rest = number, place = places - 1; rest > 0n; place--, rest /= radix) digits[place] = Number(rest % radix);
  const tweak = Buffer.from(domainId.replaceAll('-', ''), 'hex');
  return FF1(alphabet.length, key, tweak)
    .encrypt(digits)
    .map((digit) => alphabet[digit])
    .join('');
}

/** Numbers are shared out between regions, so that no two regions ever hold the same one. */
export const regionalNumber = (n: bigint, region: { index: number; count: number }): bigint =>
  n * BigInt(region.count) + BigInt(region.index);

// Stems that must not turn up on a company's link; read with the digits that pass for letters.
const OFFENSIVE = [
  'anal',
  'anus',
  'bitch',
  'cock',
  'coon',
  'cum',
  'cunt',
  'dick',
  'dyke',
  'fag',
  'fuck',
  'hitler',
  'jizz',
  'kike',
  'kkk',
  'nazi',
  'nigg',
  'penis',
  'piss',
  'porn',
  'pussy',
  'rape',
  'retard',
  'sex',
  'shit',
  'slut',
  'tits',
  'twat',
  'vagina',
  'wank',
  'whore',
];
const LOOKALIKES: Record<string, string> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '8': 'b',
  '9': 'g',
};

/** True for a code that reads like a word nobody wants on a link. */
export function isOffensive(code: string): boolean {
  const read = code.toLowerCase().replace(/\d/g, (digit) => LOOKALIKES[digit] ?? digit);
  return OFFENSIVE.some((word) => read.includes(word));
}
