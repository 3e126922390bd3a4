import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { Config } from '../platform/config/config.js';
import { SharedCache } from '../platform/shared-cache/shared-cache.js';
import { plainAnswer } from './plain-answer.js';
import { RedirectCache, type Remembered } from './redirect-cache.js';
import type { DomainTarget, LinkTarget } from './redirect-target.js';
import type { Confirmed } from './target-cache.js';

const HOST = 'go.example';
const MEGABYTE = 1024 * 1024;

const domainOf = (tenantId: string): DomainTarget => ({
  tenantId,
  domainId: `domain of ${tenantId}`,
  caseSensitive: true,
  rootUrl: null,
  notFoundUrl: null,
  expiredUrl: null,
});

function linkOn({ tenantId, domainId }: DomainTarget, url: string): LinkTarget {
  const link = {
    tenantId,
    domainId,
    linkId: `link of ${tenantId}`,
    url,
    startsAt: null,
    expiresAt: null,
    expiredUrl: null,
    maxClicks: null,
    clicks: 0,
    redirectStatus: 302,
    forwardQuery: false,
    disabledAt: null,
    takedown: null,
    sharedMaxAge: null,
  };
  return { ...link, plain: plainAnswer(link) };
}

/** Has a link under every key of the domains it has. */
class Database {
  readonly domains = new Map([[HOST, domainOf('one')]]);
  readonly away = { domains: false, links: false };
  url = 'https://example.com/';

  findDomain(hostname: string): Promise<Confirmed<DomainTarget>> {
    return this.answer(this.domains.get(hostname) ?? null, this.away.domains);
  }

  findLink(domain: DomainTarget): Promise<Confirmed<LinkTarget>> {
    return this.answer(linkOn(domain, this.url), this.away.links);
  }

  private async answer<T>(value: T | null, away: boolean): Promise<Confirmed<T>> {
    if (away) throw new Error('away');
    return { value, confirmedAt: Date.now(), provisional: false };
  }
}

const newCache = (database: Database, redisUrl?: string): RedirectCache =>
  new RedirectCache(
    { redirectCacheBytes: 64 * MEGABYTE, databaseUrls: {}, redisUrl } as unknown as Config,
    database as never,
    { overloaded: false } as never,
    new SharedCache(undefined, undefined as never),
    undefined as never,
  );

async function visit(cache: RedirectCache, hostname = HOST, key = 'key'): Promise<LinkTarget | null> {
  const domain = await cache.domain(hostname);
  return domain && cache.link(hostname, domain, key);
}

const asFromDisk = (remembered: Remembered): Remembered => JSON.parse(JSON.stringify(remembered)) as Remembered;

const setClock = (ms: number): void => void jest.useFakeTimers({ now: ms });

describe('RedirectCache', () => {
  beforeEach(() => setClock(1_000_000));
  afterEach(() => void jest.useRealTimers());

  it.each([
    ['goes on for minutes on the word of a bus in PostgreSQL', undefined, true],
    ['does not on that of one in Redis, which may lose a change and not the next heartbeat', 'redis://a', false],
  ])('a link %s', async (_what, redisUrl, lasts) => {
    const cache = newCache(new Database(), redisUrl);
    await visit(cache);
    for (let at = 1_005_000; at <= 1_060_000; at += 5_000) {
      setClock(at);
      cache.assure(at);
    }
    expect(cache.knownLink(`${HOST}/key`) !== undefined).toBe(lasts);
  });

  it('falls back on what it knows while the database is away, unless the hostname has changed hands', async () => {
    const database = new Database();
    const cache = newCache(database);
    await visit(cache);
    const next = newCache(database);
    next.restore(asFromDisk(cache.remembered(10, MEGABYTE)));
    database.away.links = true;
    for (const one of [cache, next]) {
      database.domains.set(HOST, domainOf('one'));
      one.doubt();
      expect(await visit(one)).toMatchObject({ tenantId: 'one' });
      database.domains.set(HOST, domainOf('two'));
      one.doubtDomain(HOST);
      await expect(visit(one)).rejects.toThrow('away');
    }
  });

  it('hands on a link without the answer that follows from it', async () => {
    const database = new Database();
    const [cache, next] = [newCache(database), newCache(database)];
    const link = await visit(cache);
    const kept = asFromDisk(cache.remembered(10, MEGABYTE));
    expect(kept.links[0]?.[1]).not.toHaveProperty('plain');
    next.restore(kept);
    database.away.domains = database.away.links = true;
    expect(link?.plain).toMatchObject({ status: 302 });
    expect(await visit(next)).toEqual(link);
  });

  it('hands on what was used last, and no more text than it is asked for', async () => {
    const database = new Database();
    database.url = `https://example.com/${'x'.repeat(8_000)}`;
    const cache = newCache(database);
    for (let n = 0; n < 300; n++) {
      const hostname = `${n}.example`;
      database.domains.set(hostname, { ...domainOf('one'), rootUrl: database.url });
      await visit(cache, hostname);
    }
    const { domains, links } = cache.remembered(1_000, MEGABYTE);
    for (const targets of [domains, links]) {
      expect(targets[0]?.[0]).toMatch(/^299\.example/);
      expect(JSON.stringify(targets).length).toBeGreaterThan(0.9 * MEGABYTE);
      expect(JSON.stringify(targets).length).toBeLessThan(1.1 * MEGABYTE);
    }
  });

  it('asks anew for the links of a tenant that is doubted, and of no other', async () => {
    const database = new Database();
    database.domains.set('other.example', domainOf('two'));
    const cache = newCache(database);
    for (const hostname of database.domains.keys()) await visit(cache, hostname);
    cache.doubtTenant('one');
    expect(cache.knownLink(`${HOST}/key`)).toBeUndefined();
    expect(cache.knownLink('other.example/key')).toMatchObject({ tenantId: 'two' });
  });
});
