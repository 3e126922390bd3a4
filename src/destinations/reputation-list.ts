import { suffixesOf } from './destination-policy.js';
import { hostOf, withoutNeedlessEscapes } from './plain-address.js';

// A URL, a host, or a line of a hosts file; CSV, as URLhaus gives it, has the URL in one of its fields.
const QUOTED_URL = /"(https?:\/\/[^"]+)"/i;
const HOSTS_LINE = /^(?:0\.0\.0\.0|127\.0\.0\.1|::1?)\s+(\S+)/;

/** Hosts and URLs that somebody keeps a list of. */
export class ReputationList {
  private readonly hosts = new Set<string>();
  private readonly urls = new Set<string>();

  get size(): number {
    return this.hosts.size + this.urls.size;
  }

  /** Takes a line of a list. Comments, and what is neither host nor URL, say nothing. */
  add(line: string): void {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) return;
    const entry = QUOTED_URL.exec(text)?.[1] ?? HOSTS_LINE.exec(text)?.[1] ?? text;
    if (/^https?:\/\//i.test(entry)) this.addUrl(entry);
    else if (/^[^\s"/,]+$/.test(entry)) this.addHost(entry);
  }

  /** A listed host lists all below it; a listed URL itself alone, with either scheme. */
  lists(url: URL): boolean {
    if (this.urls.has(keyOf(url))) return true;
    return suffixesOf(url.hostname.replace(/\.+$/, '')).some((suffix) => this.hosts.has(suffix));
  }

  private addUrl(text: string): void {
    const url = URL.parse(text);
    if (url) this.urls.add(keyOf(url));
  }

  private addHost(text: string): void {
    // As a URL's host, so that both sides are read alike: case, punycode, odd addresses.
    const host = URL.parse(`http://${text}/`)?.hostname.replace(/\.+$/, '');
    // Every hosts file has a line for this machine itself.
    if (host && host !== 'localhost') this.hosts.add(host);
  }
}

/** However it is spelled: a dot at the end of the host and needless escapes lead to the same place. */
const keyOf = (url: URL): string =>
  `${hostOf(url)}:${url.port}${withoutNeedlessEscapes(`${url.pathname}${url.search}`)}`;
