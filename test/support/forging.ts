import { type KeyObject, sign } from 'node:crypto';

/** A part of a token, of a value or of text as it stands. */
export const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A token with any header and payload at all, signed by `signer`. */
export const forged = (header: unknown, payload: unknown, signer: (input: Buffer) => Buffer | string): string => {
  const input = `${part(header)}.${part(payload)}`;
  const signature = signer(Buffer.from(input));
  return `${input}.${typeof signature === 'string' ? signature : signature.toString('base64url')}`;
};

/** PKCS #1 v1.5 with SHA-256, as RS256. */
export const rs256 =
  (key: KeyObject) =>
  (input: Buffer): Buffer =>
    sign('sha256', input, key);

/** A good token with its payload changed, and its signature as it was. */
export function tampered(token: string, change: (claims: Record<string, unknown>) => void): string {
  const [header = '', payload = '', signature = ''] = token.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
  change(claims);
  return [header, part(claims), signature].join('.');
}
