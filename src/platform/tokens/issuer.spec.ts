import { describe, expect, it } from '@jest/globals';
import { discoveryUrl, isLocalProvider, parseIssuer } from './issuer.js';

describe('parseIssuer', () => {
  it.each([
    'https://accounts.google.com',
    'https://example.eu.auth0.com/',
    'https://id.example.com:8443/realms/main',
    'https://login.microsoftonline.com/7d0a/v2.0',
    'http://localhost:4000',
    'http://127.0.0.1:4000/realms/main',
    'http://[::1]:4000',
  ])('takes %s', (text) => expect(parseIssuer(text)?.href).toMatch(text));

  it.each([
    ['', 'id.example.com', '/realms/main', 'ftp://id.example.com', 'javascript:alert(1)'],
    ['http://id.example.com', 'http://10.0.0.1', 'http://localhost.example.com', 'http://127.0.0.1.example.com'],
    ['https://user@id.example.com', 'https://user:secret@id.example.com'],
    ['https://id.example.com?x=1', 'https://id.example.com/?', 'https://id.example.com#x', 'https://id.example.com/#'],
    [
      'https://ID.example.com',
      'https://id.example.com:443',
      'https://id.example.com/a/../b',
      ' https://id.example.com',
    ],
  ])('refuses %s and its like', (...texts) => expect(texts.map(parseIssuer)).toEqual(texts.map(() => undefined)));
});

describe('isLocalProvider', () => {
  it('is one over plain http alone', () => {
    expect(isLocalProvider(new URL('http://localhost:4000'))).toBe(true);
    expect(isLocalProvider(new URL('https://localhost:4000'))).toBe(false);
  });
});

describe('discoveryUrl', () => {
  it.each(['https://id.example.com/main', 'https://id.example.com/main/'])('follows %s', (issuer) =>
    expect(discoveryUrl(issuer)).toBe('https://id.example.com/main/.well-known/openid-configuration'),
  );
});
