import { describe, expect, it } from '@jest/globals';
import { REDACTED, redact } from './redact.js';

describe('redact', () => {
  it.each([
    'secret', 'clientSecret', 'client_secret', 'webhook-secret', 'secrets', 'password', 'linkPassword', 'passphrase', 'token',
    'verificationToken', 'refresh_tokens', 'apiKey', 'api_key', 'privateKey', 'signingKey', 'credentials', 'Authorization',
    'Set-Cookie', 'secretHash', 'passwordHash',
  ])('hides what is called %s', (name) => {
    for (const value of ['x', 7, { inner: 'x' }, ['x']]) expect(redact({ [name]: value })).toEqual({ [name]: REDACTED });
  }); // prettier-ignore

  it.each(['key', 'hint', 'url', 'title', 'tags', 'scopes', 'tokenEndpoint', 'passwordSetAt'])('shows %s', (name) => {
    expect(redact({ [name]: 'x' })).toEqual({ [name]: 'x' });
  });

  it('says whether there is a secret', () => {
    expect(redact({ password: null, hasPassword: true })).toEqual({ password: null, hasPassword: true });
  });

  it('looks into what lies deeper', () => {
    expect(redact({ list: [{ provider: { clientSecret: 'x', name: 'y' } }] })).toEqual({
      list: [{ provider: { clientSecret: REDACTED, name: 'y' } }],
    });
  });

  it.each([
    [`wp_${'a'.repeat(60)}`, REDACTED],
    [`key wpp_${'b'.repeat(43)} leaked`, `key ${REDACTED} leaked`],
    ['eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln', REDACTED],
    ['https://user:pass@example.com/a?b', `https://${REDACTED}@example.com/a?b`],
    ['https://example.com/a:b@c', 'https://example.com/a:b@c'],
    ['https://user:pa:ss@example.com/', `https://${REDACTED}@example.com/`],
    ['wp_short', 'wp_short'],
  ])('hides what looks like a secret wherever it stands: %s', (text, shown) => {
    expect(redact({ comments: text })).toEqual({ comments: shown });
  });

  // Looked at anew from each place where a secret could begin, such a text took half a minute.
  it.each(['eyJ-', ':', 'a-', 'wp_-', 'a://', 'eyJa.'])(
    'is done in a moment with a text of nothing but %s',
    (piece) => {
      const started = performance.now();
      redact({ comments: `http://${piece.repeat(Math.floor(100_000 / piece.length))}` });
      expect(performance.now() - started).toBeLessThan(2_000);
    },
  );

  it('gives what JSON would', () => {
    expect(redact({ at: new Date(0), none: undefined })).toEqual({ at: '1970-01-01T00:00:00.000Z' });
  });
});
