import { domainToASCII, domainToUnicode } from 'node:url';

const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;
const LOCAL = /^([a-z0-9-]+\.)*localhost$/;
const IPV4 = /^\d+(\.\d+)+$/;

/** A host on this machine: it needs no proof of ownership in the embedded default, and keeps its port. */
export const isLocal = (hostname: string): boolean => LOCAL.test(hostname.replace(/:\d+$/, ''));

/**
 * The one form of a hostname: ASCII (punycode), lower case, no trailing dot. Only localhost carries a port.
 *
 * @returns undefined for what is no hostname: an address, a single label, a bad label, a URL
 */
export function parseHostname(input: string): string | undefined {
  const [, name = '', port] = /^([^:/?#@\s]+?)\.?(?::(\d{1,5}))?$/.exec(input.trim()) ?? [];
  const ascii = domainToASCII(name.normalize('NFC').toLowerCase());
  if (!ascii || ascii.length > 253 || IPV4.test(ascii) || !ascii.split('.').every((label) => LABEL.test(label))) {
    return undefined;
  }
  if (isLocal(ascii)) return port ? `${ascii}:${port}` : ascii;
  return port === undefined && ascii.includes('.') ? ascii : undefined;
}

/** The form for people: `xn--bcher-kva.example` is `bücher.example`. */
export function displayHostname(hostname: string): string {
  const [name = '', port] = hostname.split(':');
  return port === undefined ? domainToUnicode(name) : `${domainToUnicode(name)}:${port}`;
}
