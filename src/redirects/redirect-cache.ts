import { Injectable } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import { watchCache } from '../platform/telemetry/metrics.js';
import type { DomainTarget, LinkTarget } from './redirect-target.js';
import { RedirectTargetsRepository } from './redirect-targets.repository.js';
import { type RememberedTarget, TargetCache } from './target-cache.js';

/** Domains are few; links get the rest of the memory. */
const DOMAIN_SHARE = 0.05;
/**
 * How long an answer is taken as true, in ms, a fifth more at most. A change arrives over the bus long before; with the
 * bus down, an edit is in force after 30 s all the same. That goes for the sum: a link that was looked up under a domain
 * about to expire is answered for its own time without a look at the domain.
 */
const FRESH_MS = { domain: 5_000, link: 20_000 };
/** What an entry costs besides its own text, in bytes: measured by bench/unit-costs.mjs, and a little added. */
const ENTRY_BYTES = 700;

/** Of what `remembered` gives: to be raised when a target's fields change. */
const VERSION = 2;

export interface Remembered {
  version: number;
  domains: Array<RememberedTarget<DomainTarget>>;
  links: Array<RememberedTarget<LinkTarget>>;
}

/** Domains and links by name, in memory before the database. */
@Injectable()
export class RedirectCache {
  private readonly domains: TargetCache<DomainTarget>;
  private readonly links: TargetCache<LinkTarget>;
  /** True once anything was answered from the database: from then on the process can serve without it. */
  warm = false;

  constructor(
    { redirectCacheBytes }: Config,
    private readonly targets: RedirectTargetsRepository,
  ) {
    const domainBytes = Math.floor(redirectCacheBytes * DOMAIN_SHARE);
    this.domains = new TargetCache(domainBytes, (_domain, name) => ENTRY_BYTES + name.length, FRESH_MS.domain);
    this.links = new TargetCache(
      redirectCacheBytes - domainBytes,
      // Twice, for letters beyond Latin-1 take two bytes each.
      (link, name) => ENTRY_BYTES + 2 * (name.length + link.url.length + (link.expiredUrl?.length ?? 0)),
      FRESH_MS.link,
    );
    watchCache('domains', () => this.domains.size);
    watchCache('links', () => this.links.size);
  }

  domain(hostname: string): Promise<DomainTarget | null> {
    return this.domains.get(hostname, async () => {
      const domain = await this.targets.findDomain(hostname);
      this.warm = true;
      return domain;
    });
  }

  link(hostname: string, domain: DomainTarget, key: string): Promise<LinkTarget | null> {
    return this.links.get(nameOf(hostname, key), async (known) => {
      const link = await this.targets.findLink(domain, key);
      // Counting lags behind answering by seconds; a link limited in clicks must not gain some at each reload.
      if (link && known?.linkId === link.linkId) link.clicks = Math.max(link.clicks, known.clicks);
      return link;
    });
  }

  /** A link that is known and fresh. `name` is host and path as they stand in most requests: see nameOf. */
  knownLink(name: string): LinkTarget | undefined {
    return this.links.known(name);
  }

  /** A domain that was found before, however long ago. */
  rememberedDomain(hostname: string): DomainTarget | undefined {
    return this.domains.recall(hostname);
  }

  /** Whether a link of this name was found before, however long ago. */
  remembersLink(name: string): boolean {
    return this.links.remembers(name);
  }

  forgetLink(hostname: string, key: string): void {
    this.links.forget(nameOf(hostname, key));
  }

  /** A link was created under this name: what was answered as unknown is known from now on. */
  expectLink(hostname: string, key: string): void {
    this.links.forgetAbsence(nameOf(hostname, key));
  }

  /**
   * A domain's own settings, or whose it is; its links are looked up through it. They are doubted and not forgotten: if
   * the database went away right after an edit of its domain, a million links would be gone with it.
   */
  doubtDomain(hostname: string): void {
    this.domains.doubtAll(hostname);
    this.links.doubtAll(nameOf(hostname, ''));
  }

  remembered(most: number): Remembered {
    return { version: VERSION, domains: this.domains.remembered(most), links: this.links.remembered(most) };
  }

  /** @param remembered by an earlier process, as JSON has it; that of another version is passed over */
  restore({ version, domains, links }: Remembered): void {
    if (version !== VERSION) return;
    this.domains.restore(domains);
    this.links.restore(links.map(([name, link, confirmedAt]) => [name, withDates(link), confirmedAt]));
    // With these the process can serve, even if the database never answers.
    this.warm ||= links.length > 0;
  }

  /** Anything may have changed: asks anew for all, and serves what it knows only while the database does not answer. */
  doubt(): void {
    this.domains.doubtAll();
    this.links.doubtAll();
  }
}

/** JSON knows no dates. */
function withDates(link: LinkTarget): LinkTarget {
  const date = (value: Date | null): Date | null => value && new Date(value);
  const { startsAt, expiresAt, disabledAt } = link;
  return { ...link, startsAt: date(startsAt), expiresAt: date(expiresAt), disabledAt: date(disabledAt) };
}

/** As in a URL, so that most requests find their link without being parsed. */
const nameOf = (hostname: string, key: string): string => `${hostname}/${key}`;
