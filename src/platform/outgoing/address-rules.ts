import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
export type Network = [Address, number];

// Where clouds tell a machine its secrets. No opened network opens them. Azure's is in a public range.
const METADATA = [
  '169.254.169.254/32',
  '169.254.169.253/32',
  '169.254.170.2/32',
  '168.63.129.16/32',
  '100.100.100.200/32',
  '192.0.0.192/32',
  'fd00:ec2::254/128',
  'fd20:ce::254/128',
].map((text) => ipaddr.parseCIDR(text));

// All that IANA has given out for hosts. What the library knows no range for is not public for that.
const GLOBAL_UNICAST = ipaddr.parseCIDR('2000::/3');

/** @returns undefined for what is no network in CIDR form, or has bits set beyond its prefix */
export function parseNetwork(text: string): Network | undefined {
  if (!/^[\d.]+\/\d+$|^[\da-f:.]+\/\d+$/i.test(text) || !ipaddr.isValidCIDR(text)) return undefined;
  const [address, bits] = ipaddr.parseCIDR(text);
  if (address.kind() === 'ipv6') {
    return ipaddr.IPv6.networkAddressFromCIDR(text).toString() === address.toString() ? [address, bits] : undefined;
  }
  // As it was written, too: with a leading zero it would be read as octal.
  const start = ipaddr.IPv4.networkAddressFromCIDR(text).toString();
  return text.startsWith(`${start}/`) ? [address, bits] : undefined;
}

export const isWithin = (address: Address, networks: readonly Network[]): boolean =>
  networks.some(([start, bits]) => address.kind() === start.kind() && address.match([start, bits]));

/**
 * Reads an address as the operating system gives it. An IPv6 address that stands for an IPv4 one stays what it is: all
 * such ranges are refused as a whole, so nothing depends on unpacking them.
 *
 * @returns 'public', 'opened' by the operator, or 'refused'
 */
export function judgeAddress(text: string, opened: readonly Network[]): 'public' | 'opened' | 'refused' {
  if (!ipaddr.isValid(text)) return 'refused';
  const address = ipaddr.parse(text);
  if (isWithin(address, METADATA)) return 'refused';
  if (isWithin(address, opened)) return 'opened';
  return isPublic(address) ? 'public' : 'refused';
}

function isPublic(address: Address): boolean {
  if (address.range() !== 'unicast') return false;
  return address.kind() === 'ipv4' || address.match(GLOBAL_UNICAST);
}
