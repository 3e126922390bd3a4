import { describe, expect, it } from '@jest/globals';
import { readToken, TokenRefused } from './bearer-token.js';

const now = new Date('2026-11-24T12:00:00Z');
const seconds = now.getTime() / 1000;

const HEADER = { alg: 'RS256', kid: 'one', typ: 'at+jwt' };
const CLAIMS = { iss: 'https://id.example.com', sub: 'ada', aud: 'waypost', exp: seconds + 300, iat: seconds };

const part = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const token = (header: unknown = HEADER, claims: unknown = CLAIMS): string => `${part(header)}.${part(claims)}.c2ln`;
const read = (header: object = {}, claims: object = {}) =>
  readToken(token({ ...HEADER, ...header }, { ...CLAIMS, ...claims }), now);

describe('readToken', () => {
  it('gives header and claims, the audience as a list', () => {
    expect(readToken(token(), now)).toEqual({ text: token(), header: HEADER, claims: { ...CLAIMS, aud: ['waypost'] } });
    expect(read({}, { aud: ['other', 'waypost'], roles: ['x'] }).claims).toMatchObject({
      aud: ['other', 'waypost'],
      roles: ['x'],
    });
  });

  it.each(['at+jwt', 'AT+JWT', 'application/at+jwt', 'JWT', 'jwt', undefined])('takes the type %s', (typ) =>
    expect(read({ typ }).claims.sub).toBe('ada'),
  );

  it.each([
    [{ exp: seconds - 59 }, { exp: seconds - 60 }, 'it has expired'],
    [{ nbf: seconds + 60 }, { nbf: seconds + 61 }, 'it is not in force yet'],
    [{ iat: seconds + 60 }, { iat: seconds + 61 }, 'it was issued in the future'],
  ])('gives clocks a minute: %j, and no more: %j', (within, beyond, reason) => {
    expect(read({}, within).claims).toMatchObject(within);
    expect(() => read({}, beyond)).toThrow(reason);
  });

  it.each([
    ['nothing', ''],
    ['words', 'not a token'],
    ['two parts', 'e30.e30'],
    ['no signature', token().replace(/\.[^.]*$/, '.')],
    ['five parts, as an encrypted one', `${token()}.e30.e30`],
    ['padding', `${part(HEADER)}=.${part(CLAIMS)}.c2ln`],
    ['base64 of the other alphabet', 'e30.e+/0.c2ln'],
    ['a header that is no object', token([])],
    ['a payload that is no object', token(HEADER, '"sub"')],
    ['a payload that is null', token(HEADER, 'null')],
    ['broken JSON', token(HEADER, '{"sub":')],
    [
      'bits that mean nothing',
      token()
        .replace('.', 'B.')
        .replace(/^(.*?)B\./, (_, head: string) => `${head}B.`),
    ],
    ['bytes that are no UTF-8', `${Buffer.from([0x22, 0xff, 0x22]).toString('base64url')}.e30.c2ln`],
    ['a name twice', token(HEADER, JSON.stringify(CLAIMS).replace('{', '{"sub":"eve",'))],
    ['more than 8 kB', token(HEADER, { ...CLAIMS, more: 'x'.repeat(8_192) })],
  ])('refuses %s', (_name, text) => expect(() => readToken(text, now)).toThrow(TokenRefused));

  it.each([
    [{ alg: 'none' }, /alg/],
    [{ alg: 'HS256' }, /alg/],
    [{ alg: ['RS256'] }, /alg/],
    [{ alg: undefined }, /alg/],
    [{ kid: undefined }, /kid/],
    [{ kid: '' }, /kid/],
    [{ kid: 7 }, /kid/],
    [{ typ: 'logout+jwt' }, /typ/],
    [{ typ: 'dpop+jwt' }, /typ/],
    [{ crit: ['exp'] }, /crit/],
    [{ jku: 'https://evil.example/keys' }, /jku/],
    [{ jwk: {} }, /jwk/],
    [{ x5u: 'https://evil.example/cert' }, /x5u/],
    [{ x5c: [] }, /x5c/],
  ])('refuses the header %j', (header, reason) => expect(() => read(header)).toThrow(reason));

  it.each([
    [{ iss: undefined }, /iss/],
    [{ sub: undefined }, /sub/],
    [{ sub: '' }, /sub/],
    [{ sub: 7 }, /sub/],
    [{ sub: 'a\u0000' }, /stored/],
    [{ aud: undefined }, /aud/],
    [{ aud: [] }, /aud/],
    [{ aud: [{}] }, /aud/],
    [{ exp: undefined }, /exp/],
    [{ exp: '9999999999' }, /exp/],
    [{ iat: undefined }, /iat/],
    [{ nbf: 'now' }, /nbf/],
    [{ events: {} }, /events/],
  ])('refuses the claims %j', (claims, reason) => expect(() => read({}, claims)).toThrow(reason));

  it('refuses a time beyond all numbers', () =>
    expect(() => readToken(token(HEADER, JSON.stringify(CLAIMS).replace(/"exp":\d+/, '"exp":1e999')), now)).toThrow(
      /exp/,
    ));
});
