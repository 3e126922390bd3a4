import { describe, expect, it } from '@jest/globals';
import { hostOf, withoutEscapes, withoutNeedlessEscapes } from './plain-address.js';

describe('the plain form of an address', () => {
  it.each([
    ['http://example.com/', 'example.com'],
    ['http://example.com./', 'example.com'],
    ['http://example.com../', 'example.com'],
    ['http://[2001:db8::1]/', '2001:db8::1'],
  ])('has the host of %s as %s', (url, host) => {
    expect(hostOf(new URL(url))).toBe(host);
  });

  it.each([
    ['/login', '/login', '/login'],
    ['/l%6Fg%69n', '/login', '/login'],
    ['/caf%c3%a9', '/caf%C3%A9', '/caf%C3%A9'],
    ['/a%2Fb%3f', '/a%2Fb%3F', '/a/b?'],
    ['/a%2', '/a%2', '/a%2'],
    ['/%256C', '/%256C', '/%6C'],
    ['/%00%20', '/%00%20', '/%00%20'],
  ])('unescapes %s to %s where that changes nothing, and to %s', (text, needless, all) => {
    expect([withoutNeedlessEscapes(text), withoutEscapes(text)]).toEqual([needless, all]);
  });
});
