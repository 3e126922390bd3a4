import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FF1 } from '@noble/ciphers/ff1.js';
import { TypeID } from 'typeid-js';
import { shortCode } from '../../src/links/short-code.js';
import { Secrets } from '../../src/platform/secrets/secrets.js';
import type { DomainBody } from './domains.js';
import { underTest } from './waypost.js';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The codes that the shared Waypost will generate on this domain after `code`, as only the holder of its secret can know. */
export async function codesAfter(code: string, { id }: DomainBody, count: number): Promise<string[]> {
  const secret = await readFile(join(underTest.dataDir, 'secret-key'), 'utf8');
  const key = new Secrets(Buffer.from(secret, 'base64')).key('short-code');
  const domainId = TypeID.fromString(id).toUUID();
  const digits = FF1(62, key, Buffer.from(domainId.replaceAll('-', ''), 'hex')).decrypt(
    [...code].map((character) => BASE62.indexOf(character)),
  );
  const number = digits.reduce((value, digit) => value * 62n + BigInt(digit), 0n);
  const space = { key, domainId, caseSensitive: true, length: code.length };
  return Array.from({ length: count }, (_, n) => shortCode(number + BigInt(n + 1), space));
}
