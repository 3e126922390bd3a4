import { randomInt } from 'node:crypto';
import { crc32 } from 'node:zlib';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const TENANT_CHARACTERS = 22;
const SECRET_CHARACTERS = 32;
const CHECKSUM_CHARACTERS = 6;

const SHAPE = new RegExp(
  `^wp_([0-9A-Za-z]{${TENANT_CHARACTERS}})[0-9A-Za-z]{${SECRET_CHARACTERS}}([0-9A-Za-z]{${CHECKSUM_CHARACTERS}})$`,
);

function toBase62(value: bigint, length: number): string {
  let text = '';
  for (let rest = value; text.length < length; rest /= 62n) text = ALPHABET.charAt(Number(rest % 62n)) + text;
  return text;
}

const fromBase62 = (text: string): bigint =>
  [...text].reduce((value, character) => value * 62n + BigInt(ALPHABET.indexOf(character)), 0n);

const checksum = (text: string): string => toBase62(BigInt(crc32(text)), CHECKSUM_CHARACTERS);

/**
 * A new key: `wp_`, the tenant (22 characters), the secret (32 characters, 190 bits), a CRC-32 (6 characters). The
 * tenant stands in it so that the look-up runs under row-level security; prefix and checksum let secret scanners
 * recognize a leaked key.
 */
export function newApiKeyText(tenantId: string): string {
  const tenant = toBase62(BigInt(`0x${tenantId.replaceAll('-', '')}`), TENANT_CHARACTERS);
  const secret = Array.from({ length: SECRET_CHARACTERS }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join('');
  const body = `wp_${tenant}${secret}`;
  return body + checksum(body);
}

/** Its last characters, by which people tell keys apart. */
export const hintOf = (text: string): string => text.slice(-4);

/** The tenant a key names; undefined for what can not be a key, without asking the database. */
export function tenantOfApiKey(text: string): string | undefined {
  const [, tenant = '', check] = SHAPE.exec(text) ?? [];
  if (!check || check !== checksum(text.slice(0, -CHECKSUM_CHARACTERS))) return undefined;
  const hex = fromBase62(tenant).toString(16).padStart(32, '0');
  if (hex.length !== 32) return undefined;
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
