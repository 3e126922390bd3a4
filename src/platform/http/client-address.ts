import type { IncomingMessage } from 'node:http';
import { isIP, SocketAddress } from 'node:net';
import proxyAddr from '@fastify/proxy-addr';

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
