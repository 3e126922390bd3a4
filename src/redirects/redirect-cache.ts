import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { DomainTarget, LinkTarget } from './redirect-target.js';
import { RedirectTargetsRepository } from './redirect-targets.repository.js';

const MAX_LINKS = 100_000;
const MAX_DOMAINS = 10_000;
/** How long an answer is taken as true, in ms; a change arrives over the bus long before. */
const TTL = 30_000;
const NEGATIVE_TTL = 5_000;

/** The cache keeps "there is none" too; it can not hold null itself. */
interface Entry<T> {
  value: T | null;
}
interface LinkRequest {
  domain: DomainTarget;
  key: string;
}

/**
 * Domains and links by name, in memory. One look-up a key at a time, however many ask; while the database does not
 * answer, what was known goes on being served.
 */
@Injectable()
export class RedirectCache {
  private readonly domains: LRUCache<string, Entry<DomainTarget>>;
  private readonly links: LRUCache<string, Entry<LinkTarget>, LinkRequest>;
  /** True once anything was answered from the database: from then on the process can serve without it. */
  warm = false;

  constructor(targets: RedirectTargetsRepository) {
    const staleOnError = { allowStaleOnFetchRejection: true, noDeleteOnFetchRejection: true };
    this.domains = new LRUCache({
      max: MAX_DOMAINS,
      ...staleOnError,
      fetchMethod: async (hostname, _stale, { options }) => this.entry(await targets.findDomain(hostname), options),
    });
    this.links = new LRUCache({
      max: MAX_LINKS,
      ...staleOnError,
      fetchMethod: async (_name, stale, { options, context: { domain, key } }) => {
        const link = await targets.findLink(domain, key);
        // Counting lags behind answering by seconds; a link limited in clicks must not gain some at each reload.
        if (link && stale?.value?.linkId === link.linkId) link.clicks = Math.max(link.clicks, stale.value.clicks);
        return this.entry(link, options);
      },
    });
  }

  async domain(hostname: string): Promise<DomainTarget | null> {
    return (await this.domains.fetch(hostname))?.value ?? null;
  }

  async link(hostname: string, domain: DomainTarget, key: string): Promise<LinkTarget | null> {
    const entry = await this.links.fetch(nameOf(hostname, key), { context: { domain, key } });
    return entry?.value ?? null;
  }

  forgetLink(hostname: string, key: string): void {
    this.links.delete(nameOf(hostname, key));
  }

  /** A domain's own settings, or whose it is; its links are looked up through it. */
  forgetDomain(hostname: string): void {
    this.domains.delete(hostname);
    for (const name of this.links.keys()) if (name.startsWith(`${hostname}/`)) this.links.delete(name);
  }

  clear(): void {
    this.domains.clear();
    this.links.clear();
  }

  private entry<T>(value: T | null, options: { ttl?: number }): Entry<T> {
    this.warm = true;
    // Jitter: a thousand keys looked up in the same second must not expire in the same second.
    options.ttl = (value === null ? NEGATIVE_TTL : TTL) * (0.8 + Math.random() * 0.4);
    return { value };
  }
}

const nameOf = (hostname: string, key: string): string => `${hostname}/${key}`;
