import type { IncomingMessage } from 'node:http';
import { isIP, SocketAddress } from 'node:net';
import proxyAddr from '@fastify/proxy-addr';
import ipaddr from 'ipaddr.js';

/** Who sent a request: the nearest address that is not one of our own proxies. */
export class ClientAddress {
  /** Absent when no proxy is trusted: then X-Forwarded-For is what anybody may write. */
  private readonly trusted: ((address: string) => boolean) | undefined;

  /** @param trustedProxies addresses, networks and names of networks: see Settings */
  constructor(trustedProxies: string[]) {
    if (trustedProxies.length === 0) return;
    const trust = proxyAddr.compile(trustedProxies);
    this.trusted = (address) => {
      const known = canonicalAddress(address);
      return known !== undefined && trust(known, 0);
    };
  }

  /** @returns an address as `canonicalAddress` gives it; empty when the connection is already gone */
  of(request: IncomingMessage): string {
    const peer = request.socket.remoteAddress;
    if (peer === undefined) return '';
    if (!this.trusted) return peerAddress(peer);
    // The last may be no address at all: whatever the outermost of our proxies was sent. Then that proxy's own counts.
    return proxyAddr.all(request, this.trusted).reduce((known, hop) => canonicalAddress(hop) ?? known, '');
  }
}

/** The network of an address, which is no person's any more: /24 of IPv4, /48 of IPv6. Undefined for what is none. */
export function addressPrefix(address: string): string | undefined {
  const known = canonicalAddress(address);
  if (known === undefined) return undefined;
  if (isIP(known) === 4) return `${ipaddr.IPv4.networkAddressFromCIDR(`${known}/24`)}/24`;
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${known}/48`)}/48`;
}

/** The operating system writes addresses as RFC 5952 has them, except for IPv4 within IPv6 and for zones. */
const peerAddress = (peer: string): string => {
  const bare = peer.startsWith('::ffff:') ? peer.slice('::ffff:'.length) : peer;
  return bare.includes('%') ? bare.replace(/%.*$/, '') : bare;
};

/**
 * The one form of an address: IPv4 where it is one, also within IPv6; else IPv6 as RFC 5952 has it. Ports, brackets and
 * zones are dropped.
 *
 * @returns undefined for what is no address
 */
export function canonicalAddress(text: string): string | undefined {
  if (isIP(text) === 4) return text;
  const [, inBrackets, beforePort] = /^(?:\[(.*)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+)$/.exec(text) ?? [];
  const bare = (inBrackets ?? beforePort ?? text).replace(/%.*$/, '');
  const version = isIP(bare);
  if (version !== 6) return version === 4 ? bare : undefined;
  return new SocketAddress({ address: bare, family: 'ipv6' }).address.replace(/^::ffff:(?=\d+\.)/, '');
}

/**
 * Whom an address stands for: with IPv6 a network of 64 bits, for that is what the least customer is given.
 *
 * @param address as ClientAddress gives it
 */
export function clientOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail = ''] = address.split('::');
  const [start, end] = [groups(head), groups(tail)];
  const zeros = Array<string>(Math.max(0, 8 - start.length - end.length)).fill('0');
  return `${[...start, ...zeros, ...end].slice(0, 4).join(':')}::/64`;
}

const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
