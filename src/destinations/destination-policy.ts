import ipaddr from 'ipaddr.js';
import { isWithin, type Network, parseNetwork } from '../platform/outgoing/address-rules.js';
import { hostOf, withoutEscapes, withoutNeedlessEscapes } from './plain-address.js';
import { suspicionOf } from './suspicious-host.js';

export interface DestinationRules {
  /** Host names in ASCII: each stands for itself and all below it. */
  domains: string[];
  /** Public suffixes in ASCII: `zip`, `co.uk`. */
  tlds: string[];
  /** In CIDR form, for destinations whose host is an address. */
  networks: string[];
  /** Of host, path and query, in lower case; `*` stands for anything. */
  patterns: string[];
}

export interface DestinationPolicy {
  deny: DestinationRules;
  /** If any of these is there, what fits none is refused. */
  allow: DestinationRules;
  suspiciousHosts: 'warn' | 'refuse';
}

const NO_RULES: DestinationRules = { domains: [], tlds: [], networks: [], patterns: [] };
export const NO_POLICY: DestinationPolicy = { deny: NO_RULES, allow: NO_RULES, suspiciousHosts: 'warn' };

export type Refusal = 'destination_denied' | 'destination_not_allowed' | 'suspicious_host';

/** A policy, ready to be asked. What is denied is refused, also when it is allowed. */
export class CompiledPolicy {
  private readonly denied: RuleSet;
  private readonly allowed: RuleSet;

  constructor(private readonly policy: DestinationPolicy) {
    this.denied = new RuleSet(policy.deny);
    this.allowed = new RuleSet(policy.allow);
  }

  refusalOf(url: URL): Refusal | undefined {
    // Whatever a server may read in it is denied; what is allowed must say so plainly.
    if (this.denied.fits(url, [withoutNeedlessEscapes, withoutEscapes])) return 'destination_denied';
    if (!this.allowed.empty && !this.allowed.fits(url, [withoutNeedlessEscapes])) return 'destination_not_allowed';
    if (this.policy.suspiciousHosts === 'refuse' && suspicionOf(url.hostname)) return 'suspicious_host';
    return undefined;
  }
}

class RuleSet {
  readonly empty: boolean;
  private readonly suffixes: Set<string>;
  private readonly networks: Network[];
  private readonly patterns: string[];

  constructor(rules: DestinationRules) {
    this.empty = Object.values(rules).every((list: string[]) => list.length === 0);
    this.suffixes = new Set([...rules.domains, ...rules.tlds]);
    this.networks = rules.networks.map(parseNetwork).filter((network): network is Network => network !== undefined);
    this.patterns = rules.patterns.map((pattern) => withoutNeedlessEscapes(pattern).toLowerCase());
  }

  /** @param readings of host, path and query: a pattern need fit but one */
  fits(url: URL, readings: Reading[]): boolean {
    if (this.empty) return false;
    const host = hostOf(url);
    const address = addressIn(host);
    if (address) return isWithin(address, this.networks) || this.fitsPattern(url, readings);
    return suffixesOf(host).some((suffix) => this.suffixes.has(suffix)) || this.fitsPattern(url, readings);
  }

  private fitsPattern(url: URL, readings: Reading[]): boolean {
    if (this.patterns.length === 0) return false;
    const text = `${hostOf(url)}${url.pathname}${url.search}`;
    const read = new Set(readings.map((reading) => reading(text).toLowerCase()));
    return this.patterns.some((pattern) => [...read].some((reading) => fitsGlob(reading, pattern)));
  }
}

type Reading = (text: string) => string;

/** An IPv4 address written as an IPv6 one is the IPv4 one: so that no rule is walked around. */
function addressIn(host: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  return ipaddr.isValid(host) ? ipaddr.process(host) : undefined;
}

/** `a.b.c`, `b.c`, `c`. */
export const suffixesOf = (host: string): string[] =>
  host.split('.').map((_, index, labels) => labels.slice(index).join('.'));

/** Each piece between asterisks is looked for once, from left to right: no pattern makes that slow. */
export function fitsGlob(text: string, pattern: string): boolean {
  const pieces = pattern.split('*');
  const [first = ''] = pieces;
  if (pieces.length === 1) return text === first;
  const last = pieces.at(-1) ?? '';
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  const end = text.length - last.length;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = text.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}
