import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

const MAPPED_BITS = 96;

/**
 * The one form of a range of addresses: `192.0.2.0/24`, `2001:db8::/32`; a bare address is a range of one. IPv4 within
 * IPv6 is IPv4, and what stands behind the prefix counts for nothing, as everywhere.
 *
 * @returns undefined for what is no range
 */
export function canonicalRange(text: string): string | undefined {
  const [, address = '', length] = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  // The library would take 10.1 and 0x7f.1 as well.
  const most = { 4: 32, 6: 128 }[isIP(address)];
  const bits = length === undefined ? most : Number(length);
  if (most === undefined || bits === undefined || bits > most) return undefined;
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv4) return `${ipaddr.IPv4.networkAddressFromCIDR(`${address}/${bits}`)}/${bits}`;
  if (!parsed.isIPv4MappedAddress()) return `${ipaddr.IPv6.networkAddressFromCIDR(`${address}/${bits}`)}/${bits}`;
  return bits < MAPPED_BITS ? undefined : canonicalRange(`${parsed.toIPv4Address()}/${bits - MAPPED_BITS}`);
}

/** Whether all of a range is in one of these; all as canonicalRange gives them. */
export function isRangeWithin(range: string, ranges: readonly string[]): boolean {
  const [start, length] = ipaddr.parseCIDR(range);
  return ranges.some((other) => {
    const [network, bits] = ipaddr.parseCIDR(other);
    return network.kind() === start.kind() && bits <= length && start.match(network, bits);
  });
}

/**
 * @param address as ClientAddress gives it; empty for one that is not known, which is in no range
 * @param ranges as canonicalRange gives them
 */
export function isInRanges(address: string, ranges: readonly string[]): boolean {
  if (isIP(address) === 0) return false;
  const parsed = ipaddr.parse(address);
  return ranges.some((range) => {
    const [network, bits] = ipaddr.parseCIDR(range);
    return network.kind() === parsed.kind() && parsed.match(network, bits);
  });
}
