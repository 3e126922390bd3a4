import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import { addressPrefix, canonicalAddress, ClientAddress, clientOf } from './client-address.js';

const seen = (trustedProxies: string[], remoteAddress: string | undefined, forwardedFor?: string): string => {
  const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor };
  return new ClientAddress(trustedProxies).of({ socket: { remoteAddress }, headers } as unknown as IncomingMessage);
};

describe('ClientAddress', () => {
  it('believes the connection alone when no proxy is trusted', () => {
    expect(seen([], '198.51.100.7')).toBe('198.51.100.7');
    expect(seen([], '198.51.100.7', '203.0.113.9')).toBe('198.51.100.7');
    expect(seen([], '::ffff:198.51.100.7')).toBe('198.51.100.7');
  });

  it('believes no header of a client that does not come through a trusted proxy', () =>
    expect(seen(['10.0.0.0/8'], '198.51.100.7', '203.0.113.9')).toBe('198.51.100.7'));

  it.each([
    ['one proxy', ['10.0.0.1'], '10.0.0.1', '203.0.113.9'],
    ['a chain of them', ['10.0.0.0/8'], '10.0.0.1', '203.0.113.9, 10.0.0.3, 10.0.0.2'],
    [
      'a chain of several kinds',
      ['loopback', 'uniquelocal', '2001:db8::/32'],
      '::1',
      '203.0.113.9,2001:db8::7, fd00::1',
    ],
    ['a proxy seen over IPv6', ['127.0.0.1'], '::ffff:127.0.0.1', '203.0.113.9'],
    ['a proxy that adds ports', ['10.0.0.0/8'], '10.0.0.1', '203.0.113.9:51234, 10.0.0.2:80'],
    ['what the client claims itself', ['10.0.0.1'], '10.0.0.1', '192.0.2.1, 10.0.0.1, 203.0.113.9'],
  ])('finds the client behind %s', (_name, trusted, peer, forwardedFor) =>
    expect(seen(trusted, peer, forwardedFor)).toBe('203.0.113.9'),
  );

  it.each([
    ['nothing', undefined],
    ['empty', ''],
    ['no address', 'unknown'],
    ['a number, which some would read as an address', '2130706433'],
    ['a name after an address', '203.0.113.9, somebody'],
  ])('falls back on its proxy when the header is %s', (_name, forwardedFor) =>
    expect(seen(['10.0.0.1'], '10.0.0.1', forwardedFor)).toBe('10.0.0.1'),
  );

  it('falls back on the last proxy it trusts', () =>
    expect(seen(['10.0.0.0/8'], '10.0.0.1', '_hidden, 10.0.0.2')).toBe('10.0.0.2'));

  it('has no address for a connection that is gone', () => {
    expect(seen([], undefined)).toBe('');
    expect(seen(['loopback'], undefined, '203.0.113.9')).toBe('');
  });
});

describe('canonicalAddress', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['203.0.113.9:80', '203.0.113.9'],
    ['::FFFF:203.0.113.9', '203.0.113.9'],
    ['::ffff:cb00:7109', '203.0.113.9'],
    ['[::ffff:203.0.113.9]:80', '203.0.113.9'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::1', '::1'],
    ['203.0.113', undefined],
    ['203.0.113.09', undefined],
    ['203.0.113.9:80:80', undefined],
    ['2001:db8::1::2', undefined],
    ['[203.0.113.9', undefined],
    ['example.com', undefined],
    ['', undefined],
  ])('reads %j as %j', (text, address) => expect(canonicalAddress(text)).toBe(address));
});

describe('clientOf', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1::', '2001:db8:1:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1::4:5:6:7:8', '1:0:0:4::/64'],
    ['', ''],
  ])('takes %j for %j', (address, client) => expect(clientOf(address)).toBe(client));
});

describe('addressPrefix', () => {
  it.each([
    ['192.0.2.123', '192.0.2.0/24'],
    ['::ffff:192.0.2.123', '192.0.2.0/24'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::/48'],
    ['2001:db8::1', '2001:db8::/48'],
    ['::1', '::/48'],
    ['fe80::1%eth0', 'fe80::/48'],
    ['', undefined],
    ['nonsense', undefined],
  ])('of %j is %j', (address, prefix) => expect(addressPrefix(address)).toBe(prefix));
});
