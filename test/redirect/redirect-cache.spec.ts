import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { pino } from 'pino';
import type { Config } from '../../src/platform/config/config.js';
import { ResolverDatabase } from '../../src/platform/database/resolver-database.js';
import { LoadShedder } from '../../src/platform/resilience/load-shedder.js';
import { SharedCache } from '../../src/platform/shared-cache/shared-cache.js';
import { partsOf } from '../../src/redirects/hot-set.js';
import { RedirectCache, type Remembered } from '../../src/redirects/redirect-cache.js';
import { asStored } from '../../src/redirects/plain-answer.js';
import type { LinkTarget } from '../../src/redirects/redirect-target.js';
import { RedirectTargetsRepository } from '../../src/redirects/redirect-targets.repository.js';
import { databaseUrl } from '../support/database.js';
import { DatabaseTap } from '../support/database-tap.js';
import { eventually, newTenant, type Tenant } from '../support/waypost.js';
import { uuidOf } from '../support/click-segments.js';

const BYTES = 64 * 1024 * 1024;
const quiet = pino({ level: 'silent' });

/** As a process keeps it that hears of no change: what it knows, and a database that it may reach or not. */
describe('the cache of redirects', () => {
  let tap: DatabaseTap;
  let database: ResolverDatabase;
  let tenant: Tenant;

  beforeAll(async () => {
    const url = await databaseUrl('waypost_resolver');
    tap = await DatabaseTap.open(url);
    database = new ResolverDatabase({ primary: tap.through(url) }, quiet);
    tenant = await newTenant();
  });
  afterEach(() => {
    tap.release();
    jest.restoreAllMocks();
  });
  afterAll(async () => {
    await database.onApplicationShutdown();
    tap.close();
  });

  const newCache = (redisUrl?: string): RedirectCache =>
    new RedirectCache(
      { redirectCacheBytes: BYTES, databaseUrls: {}, redisUrl } as unknown as Config,
      new RedirectTargetsRepository(database),
      new LoadShedder(),
      new SharedCache(undefined, quiet),
      quiet,
    );

  async function visit(cache: RedirectCache, hostname: string, key: string): Promise<LinkTarget | null> {
    const domain = await cache.domain(hostname);
    return domain && cache.link(hostname, domain, key);
  }

  const asFromDisk = (remembered: Remembered): Remembered =>
    JSON.parse([...partsOf(remembered)].join('')) as Remembered;

  it.each([
    ['for minutes on the word of a bus in PostgreSQL', undefined, true],
    ['for no longer on that of one in Redis, which may lose a change and not the next heartbeat', 'redis://a', false],
  ])('takes a link for true %s', async (_what, redisUrl, lasts) => {
    const cache = newCache(redisUrl);
    const { key } = await tenant.link();
    await visit(cache, tenant.domain, key);
    const begun = Date.now();
    const clock = jest.spyOn(Date, 'now');
    for (let at = begun; at <= begun + 60_000; at += 5_000) {
      clock.mockReturnValue(at);
      cache.assure(at);
    }
    expect(cache.knownLink(tenant.domain, `/${key}`) !== undefined).toBe(lasts);
  });

  it('hands on a link without the answer that follows from it, for a process without a database', async () => {
    const { key } = await tenant.link();
    const [cache, next] = [newCache(), newCache()];
    const link = await visit(cache, tenant.domain, key);
    expect(link?.plain).toMatchObject({ status: 302 });
    const kept = asFromDisk(cache.remembered(10, BYTES));
    expect(kept.links[0]?.[1]).not.toHaveProperty('plain');
    next.restore(kept);
    tap.hold();
    expect(await visit(next, tenant.domain, key)).toEqual(link);
  });

  it('hands on what was used last, and no more text than it is asked for', async () => {
    const cache = newCache();
    const links = await Promise.all(
      Array.from({ length: 40 }, () => tenant.link({ url: `https://example.com/${'x'.repeat(8_000)}` })),
    );
    for (const { key } of links) await visit(cache, tenant.domain, key);
    const kept = cache.remembered(1_000, 160_000).links;
    expect(kept[0]?.[0]).toBe(`${tenant.domain}/${links.at(-1)?.key}`);
    const text = JSON.stringify(kept, asStored);
    expect(text.length).toBeGreaterThan(0.9 * 160_000);
    expect(text.length).toBeLessThan(160_000);
  });

  it('is written in small parts, which are together what it remembers', async () => {
    const cache = newCache();
    const links = await Promise.all(Array.from({ length: 120 }, () => tenant.link()));
    for (const { key } of links) await visit(cache, tenant.domain, key);
    const remembered = cache.remembered(1_000, BYTES);
    const parts = [...partsOf(remembered)];
    expect(Math.max(...parts.map(({ length }) => length))).toBeLessThan(parts.join('').length / 2);
    expect(JSON.parse(parts.join(''))).toEqual(JSON.parse(JSON.stringify(remembered, asStored)));
  });

  it('asks anew for the links of a tenant that is doubted, and of no other', async () => {
    const other = await newTenant();
    const cache = newCache();
    const links = await Promise.all([tenant.link(), other.link()]);
    for (const { domain, key } of links) await visit(cache, domain, key);
    cache.doubtTenant(uuidOf(tenant.tenantId));
    const known = links.map(({ domain, key }) => cache.knownLink(domain, `/${key}`) !== undefined);
    expect(known).toEqual([false, true]);
  });

  it('takes a link no longer for true than its domain, which could not be asked for after a change', async () => {
    const cache = newCache();
    const { key } = await tenant.link();
    const known = (): boolean => cache.knownLink(tenant.domain, `/${key}`) !== undefined;
    await visit(cache, tenant.domain, key);
    cache.doubtTenant(uuidOf(tenant.tenantId));
    tap.hold();
    const remembered = await cache.domain(tenant.domain);
    tap.release();
    if (!remembered) throw new Error('The domain is forgotten');
    expect(await cache.link(tenant.domain, remembered, key)).toMatchObject({ plain: { status: 302 } });
    expect(known()).toBe(true);
    jest.spyOn(Date, 'now').mockReturnValue(Date.now() + 1_000);
    expect(known()).toBe(false);
  });

  it('falls back on what it knows while the database is away, unless the hostname has changed hands', async () => {
    const [before, after] = await Promise.all([newTenant(), newTenant()]);
    const { id, key } = await before.link();
    const [cache, next] = [newCache(), newCache()];
    await visit(cache, before.domain, key);
    next.restore(asFromDisk(cache.remembered(10, BYTES)));
    tap.hold();
    for (const one of [cache, next]) {
      one.doubt();
      expect(await visit(one, before.domain, key)).toMatchObject({ tenantId: uuidOf(before.tenantId) });
    }
    tap.release();
    expect((await before.delete(`/v1/links/${id}`)).status).toBe(204);
    expect((await before.delete(`/v1/domains/${before.domainId}`)).status).toBe(204);
    expect((await after.post('/v1/domains', { hostname: before.domain })).status).toBe(201);
    for (const one of [cache, next]) {
      one.doubtDomain(before.domain);
      // On a busy machine the database may be too late at first.
      const domain = await eventually(
        () => one.domain(before.domain),
        (found) => found?.tenantId === uuidOf(after.tenantId),
      );
      tap.hold();
      await expect(domain && one.link(before.domain, domain, key)).rejects.toThrow(/time/i);
      tap.release();
    }
  });
});
