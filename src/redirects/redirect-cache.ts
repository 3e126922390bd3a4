import { Inject, Injectable } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import { LoadShedder, Overloaded } from '../platform/resilience/load-shedder.js';
import { SharedCache } from '../platform/shared-cache/shared-cache.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { cacheBytes, cacheEntries, cacheLimitBytes } from '../platform/telemetry/gauges.js';
import { cacheLookups } from '../platform/telemetry/metrics.js';
import { linkTargetOf } from './plain-answer.js';
import { RecentChanges } from './recent-changes.js';
import type { DomainTarget, LinkTarget, StoredLink } from './redirect-target.js';
import { RedirectTargetsRepository } from './redirect-targets.repository.js';
import { domainTarget, linkTarget, SharedTargets } from './shared-targets.js';
import { type Confirmed, type Known, type RememberedTarget, surelyFresh, TargetCache } from './target-cache.js';

/** Domains are few; links get the rest of the memory. */
const DOMAIN_SHARE = 0.05;
/**
 * How long an answer is taken as true, in ms from when the database was asked, a fifth more at most. A change arrives
 * over the bus long before; with the bus down, an edit is in force after 30 s all the same. That goes for the sum: a link
 * that was looked up under a domain about to expire is answered for its own time without a look at the domain. What is
 * left of the 30 s is for looking up, and for clocks that differ.
 */
const FRESH_MS = { domain: 5_000, link: 19_000 };
/** For how long after a change others may still tell what was true before. Redis does for less; a replica may lag. */
const RECENT_MS = 20_000;
/** What an entry costs besides its own text, in bytes: measured by bench/unit-costs.mjs, and a little added. */
const ENTRY_BYTES = 700;

/** Of what `remembered` gives: to be raised when a target's fields change. */
const VERSION = 4;
/** What an entry there has besides name and URLs, in characters: names of fields, ids, times. */
const FIELDS_TEXT = 500;

export interface Remembered {
  version: number;
  domains: Array<RememberedTarget<DomainTarget>>;
  links: Array<RememberedTarget<StoredLink>>;
}

/** A way from a name to its target, past memory. */
interface LookUp<T extends object> {
  shared: SharedTargets<T>;
  name: string;
  known: Known<T> | undefined;
  /** Whether what another process found, and this one may use, goes for this question. */
  fits: (value: T) => boolean;
  find: (current: boolean) => Promise<Confirmed<T>>;
  /** A change of any of these is one of the target. */
  names: string[];
}

/** Domains and links by name: in memory, before Redis, before the database. */
@Injectable()
export class RedirectCache {
  private readonly domains: TargetCache<DomainTarget>;
  private readonly links: TargetCache<LinkTarget>;
  private readonly sharedDomains: SharedTargets<DomainTarget>;
  private readonly sharedLinks: SharedTargets<LinkTarget>;
  private readonly changes = new RecentChanges(RECENT_MS);
  /** True once anything was answered from the database: from then on the process can serve without it. */
  warm = false;

  constructor(
    { redirectCacheBytes, databaseUrls, redisUrl }: Config,
    private readonly targets: RedirectTargetsRepository,
    private readonly shedder: LoadShedder,
    sharedCache: SharedCache,
    @Inject(LOGGER) logger: Logger,
  ) {
    const domainBytes = Math.floor(redirectCacheBytes * DOMAIN_SHARE);
    // Twice, for letters beyond Latin-1 take two bytes each.
    const bytesOf = (target: DomainTarget | LinkTarget, name: string): number =>
      ENTRY_BYTES + 2 * (name.length + lengthOfUrls(target));
    this.domains = new TargetCache<DomainTarget>(domainBytes, bytesOf, FRESH_MS.domain);
    this.links = new TargetCache<LinkTarget>(
      redirectCacheBytes - domainBytes,
      bytesOf,
      FRESH_MS.link,
      // A limit of clicks needs the counts of others, a replica may have told what was no longer true, and a Redis that
      // takes over may lack a change that was published, and carry the heartbeat after it.
      (link) => link.plain !== null && databaseUrls.replica === undefined && redisUrl === undefined,
    );
    this.sharedDomains = new SharedTargets('domains', domainTarget, surelyFresh(FRESH_MS.domain), sharedCache, logger);
    this.sharedLinks = new SharedTargets('links', linkTarget, surelyFresh(FRESH_MS.link), sharedCache, logger);
    watch('domains', this.domains, domainBytes);
    watch('links', this.links, redirectCacheBytes - domainBytes);
  }

  domain(hostname: string): Promise<DomainTarget | null> {
    return this.domains.get(hostname, (known) =>
      this.lookUp({
        shared: this.sharedDomains,
        name: hostname,
        known,
        fits: () => true,
        find: (current) => this.targets.findDomain(hostname, current),
        names: [hostname],
      }),
    );
  }

  link(hostname: string, domain: DomainTarget, key: string): Promise<LinkTarget | null> {
    const name = nameOf(hostname, key);
    const remembered = this.links.recall(name);
    // The hostname has changed hands: of what its former owner had there, nothing is left to fall back on.
    if (remembered && !isOn(domain, remembered)) this.links.forget(name);
    return this.links.get(name, async (known) => {
      // Else the domain was doubted while it was asked for, or is served without the database, past its time.
      const domainHolds = this.domains.holds(hostname, domain);
      const confirmed = await this.lookUp({
        shared: this.sharedLinks,
        name,
        known,
        // The hostname may have had another owner a moment ago.
        fits: (link) => isOn(domain, link),
        find: (current) => this.targets.findLink(domain, key, current),
        names: [hostname, name],
      });
      // Counting lags behind answering by seconds; a link limited in clicks must not gain some at each reload.
      const { value: link } = confirmed;
      if (link && known?.value.linkId === link.linkId) link.clicks = Math.max(link.clicks, known.value.clicks);
      return domainHolds ? confirmed : { ...confirmed, provisional: true };
    });
  }

  /** A link that is known and fresh. Host and path as they stand in most requests: see nameOf. */
  knownLink(host: string, path: string): LinkTarget | undefined {
    return this.links.known(host, path);
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
    const name = nameOf(hostname, key);
    this.changes.change(name);
    this.links.forget(name);
    this.sharedLinks.forget(name);
  }

  /** A link was created under this name: what was answered as unknown is known from now on. */
  expectLink(hostname: string, key: string): void {
    const name = nameOf(hostname, key);
    this.changes.create(name);
    this.links.forgetAbsence(name);
  }

  /**
   * A domain's own settings, or whose it is; its links are looked up through it. They are doubted and not forgotten: if
   * the database went away right after an edit of its domain, a million links would be gone with it.
   */
  doubtDomain(hostname: string): void {
    this.changes.change(hostname);
    this.domains.doubtAll(hostname);
    this.sharedDomains.forget(hostname);
    // What is shared of its links is left alone as long as it lasts.
    this.links.doubtAll(nameOf(hostname, ''));
  }

  /**
   * Whether a tenant's links redirect. Others' are left alone: who suspends one tenant must not have the links of all asked
   * for at once. Which names others may have kept of it, nobody knows here.
   */
  doubtTenant(tenantId: string): void {
    const isIts = (target: DomainTarget | LinkTarget): boolean => target.tenantId === tenantId;
    this.changes.doubtAll();
    this.domains.doubtWhere(isIts);
    this.links.doubtWhere(isIts);
  }

  /** All that changed before this time, in ms since 1970, was told to this cache. */
  assure(time: number): void {
    this.links.assure(time);
  }

  /** What was used last: at most so many of domains and of links, with so many characters of text each. */
  remembered(most: number, mostText: number): Remembered {
    const domains = firstWithin(mostText, this.domains.remembered(most));
    return { version: VERSION, domains, links: firstWithin(mostText, this.links.remembered(most)) };
  }

  /** @param remembered by an earlier process, as JSON has it; that of another version is passed over */
  restore({ version, domains, links }: Remembered): void {
    if (version !== VERSION) return;
    this.domains.restore(domains);
    this.links.restore(links.map(([name, link, confirmedAt]) => [name, restored(link), confirmedAt]));
    // With these the process can serve, even if the database never answers.
    this.warm ||= links.length > 0;
  }

  /** Anything may have changed: asks anew for all, and serves what it knows only while the database does not answer. */
  doubt(): void {
    this.changes.doubtAll();
    this.domains.doubtAll();
    this.links.doubtAll();
  }

  /**
   * Asks Redis, then the database; after a change, the database itself. Under overload nothing unknown is asked for; what
   * is known is kept true all the same, for a takedown must be in force then, too.
   *
   * @throws Overloaded
   */
  private async lookUp<T extends object>(question: LookUp<T>): Promise<Confirmed<T>> {
    const { shared, name, known, names } = question;
    if (!known && this.shedder.overloaded) throw new Overloaded();
    const found = await this.lookUpShared(question);
    if (found) return { ...found, provisional: false };
    const confirmed = await question.find(this.changes.touch(...names));
    this.warm = true;
    if (!confirmed.provisional && this.changes.allow(confirmed.confirmedAt, ...names)) shared.share(name, confirmed);
    return confirmed;
  }

  private async lookUpShared<T extends object>(question: LookUp<T>): Promise<Known<T> | undefined> {
    const { shared, name, known, fits, names } = question;
    // Whatever is found now is not allowed: not worth the way.
    if (!this.changes.allow(Date.now(), ...names)) return undefined;
    return shared.find(name, ({ value, confirmedAt }) => {
      // What is not newer than what is known brings nothing; and while Redis answered, a change may have come.
      return confirmedAt > (known?.confirmedAt ?? 0) && fits(value) && this.changes.allow(confirmedAt, ...names);
    });
  }
}

const isOn = ({ tenantId, domainId }: DomainTarget, link: LinkTarget): boolean =>
  link.tenantId === tenantId && link.domainId === domainId;

function lengthOfUrls(target: DomainTarget | LinkTarget): number {
  const others = 'url' in target ? [target.url] : [target.rootUrl, target.notFoundUrl];
  return [target.expiredUrl, ...others].reduce((sum, url) => sum + (url?.length ?? 0), 0);
}

/** As many of the first as have so many characters together. */
function firstWithin<T extends DomainTarget | LinkTarget>(
  mostText: number,
  targets: Array<RememberedTarget<T>>,
): Array<RememberedTarget<T>> {
  let text = 0;
  const end = targets.findIndex(([name, target]) => {
    text += FIELDS_TEXT + name.length + lengthOfUrls(target);
    return text > mostText;
  });
  return end < 0 ? targets : targets.slice(0, end);
}

/** JSON knows no dates. */
function restored(link: StoredLink): LinkTarget {
  const date = (value: Date | null): Date | null => value && new Date(value);
  const { startsAt, expiresAt, disabledAt } = link;
  return linkTargetOf({ ...link, startsAt: date(startsAt), expiresAt: date(expiresAt), disabledAt: date(disabledAt) });
}

/** As in a URL, so that most requests find their link without being parsed. */
const nameOf = (hostname: string, key: string): string => `${hostname}/${key}`;

function watch(cache: string, targets: Pick<TargetCache<object>, 'size' | 'lookups'>, limit: number): void {
  cacheEntries.watch({ cache, kind: 'present' }, () => targets.size.entries);
  cacheEntries.watch({ cache, kind: 'absent' }, () => targets.size.absences);
  cacheBytes.watch({ cache }, () => targets.size.bytes);
  cacheLimitBytes.watch({ cache }, () => limit);
  for (const outcome of ['hit', 'miss', 'stale'] as const) {
    cacheLookups({ cache, outcome }, () => targets.lookups[outcome]);
  }
}
