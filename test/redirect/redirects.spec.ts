import { beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, localHostname, newTenant, type Tenant, unique, visit } from '../support/waypost.js';

const clicksOf = async (tenant: Tenant, linkId: string): Promise<number> =>
  (await tenant.get<{ clicks: number }>(`/v1/analytics?groupBy=count&linkId=${linkId}`)).body.clicks;

describe('the redirect listener', () => {
  let tenant: Tenant;
  beforeAll(async () => {
    tenant = await newTenant();
  });

  it.each([301, 302, 307, 308])('answers %i where the link says so', async (redirectStatus) => {
    const { key } = await tenant.link({ redirectStatus, url: 'https://example.com/x?y=1#z' });
    expect(await visit(tenant.domain, `/${key}`)).toMatchObject({
      status: redirectStatus,
      headers: { location: 'https://example.com/x?y=1#z' },
    });
  });

  it('lets no shared cache keep an answer, and no cache for longer than an edit may take', async () => {
    const temporary = await tenant.link();
    const permanent = await tenant.link({ redirectStatus: 301 });
    expect((await visit(tenant.domain, `/${temporary.key}`)).headers['cache-control']).toBe('private, no-cache');
    expect((await visit(tenant.domain, `/${permanent.key}`)).headers['cache-control']).toBe('private, max-age=30');
    expect((await visit(tenant.domain, `/${unique()}`)).headers['cache-control']).toBe('private, no-cache');
  });

  it('lets shared caches keep what a link says they may, until it expires, and nothing else of it', async () => {
    const cacheControl = async (key: string): Promise<string | undefined> =>
      (await visit(tenant.domain, `/${key}`)).headers['cache-control'];
    const link = await tenant.link({ sharedMaxAge: 600 });
    const permanent = await tenant.link({ sharedMaxAge: 600, redirectStatus: 308 });
    for (let time = 0; time < 2; time++) {
      expect(await cacheControl(link.key)).toBe('public, max-age=0, s-maxage=600');
      expect(await cacheControl(permanent.key)).toBe('public, max-age=30, s-maxage=600');
    }
    const expiring = await tenant.link({ sharedMaxAge: 600, expiresAt: new Date(Date.now() + 100_000).toISOString() });
    const seconds = Number(/^public, max-age=0, s-maxage=(\d+)$/.exec(String(await cacheControl(expiring.key)))?.[1]);
    expect(seconds).toBeGreaterThan(50);
    expect(seconds).toBeLessThan(100);

    await tenant.patch(`/v1/links/${link.id}`, { disabledAt: new Date().toISOString() });
    await eventually(
      () => cacheControl(link.key),
      (text) => text === 'private, no-cache',
    );
    await tenant.patch(`/v1/links/${permanent.id}`, { sharedMaxAge: null });
    await eventually(
      () => cacheControl(permanent.key),
      (text) => text === 'private, max-age=30',
    );
  });

  it('depends on the address alone, and leaves the referrer to the page that has the link', async () => {
    const { key } = await tenant.link();
    const { headers } = await visit(tenant.domain, `/${key}`);
    expect(headers).toMatchObject({ 'x-robots-tag': 'noindex' });
    for (const name of ['vary', 'referrer-policy', 'set-cookie']) expect(headers).not.toHaveProperty(name);
  });

  it('keeps its pages from loading, running or telling anything', async () => {
    const expired = await tenant.link({ expiresAt: '2020-01-01T00:00:00Z' });
    const pages = await Promise.all([
      visit(tenant.domain, `/${unique()}`),
      visit(tenant.domain, `/${expired.key}`),
      visit(tenant.domain, '/%ff'),
      visit(tenant.domain, '/x', { method: 'POST' }),
      visit('no host', '/x'),
      visit(tenant.domain, `/${'x'.repeat(20_000)}`),
    ]);
    expect(pages.map(({ status }) => status)).toEqual([404, 410, 400, 405, 400, 431]);
    for (const { headers } of pages) {
      expect(headers).toMatchObject({
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'private, no-cache',
      });
    }
  });

  it('answers HEAD like GET and counts GET alone', async () => {
    const link = await tenant.link();
    for (const method of ['HEAD', 'GET', 'HEAD', 'GET', 'GET']) {
      expect(await visit(tenant.domain, `/${link.key}`, { method })).toMatchObject({ status: 302, body: '' });
    }
    await eventually(
      () => clicksOf(tenant, link.id),
      (clicks) => clicks === 3,
    );
    const counted = await eventually(
      () => tenant.get<{ clicks: number; lastClickedAt: string }>(`/v1/links/${link.id}`),
      ({ body }) => body.clicks === 3,
    );
    expect(Date.now() - Date.parse(counted.body.lastClickedAt)).toBeLessThan(60_000);
  });

  it('answers unknown hosts, unknown keys, disabled and not yet started links alike', async () => {
    const disabled = await tenant.link({ disabledAt: new Date().toISOString() });
    const early = await tenant.link({ startsAt: new Date(Date.now() + 3_600_000).toISOString() });
    const answers = await Promise.all([
      visit(tenant.domain, `/${unique()}`),
      visit(localHostname(), '/x'),
      visit('unknown.example', '/x'),
      visit(tenant.domain, `/${disabled.key}`),
      visit(tenant.domain, `/${early.key}`),
      visit(tenant.domain, '/'),
      visit('127.0.0.1', '/x'),
    ]);
    const shown = answers.map(({ status, body, headers: { date: _date, ...headers } }) => ({ status, body, headers }));
    expect(shown[0]?.status).toBe(404);
    for (const one of shown) expect(one).toEqual(shown[0]);
  });

  it('answers 410 to an expired link, or leads to where it says', async () => {
    const soon = new Date(Date.now() + 2_500).toISOString();
    const [plain, led] = [
      await tenant.link({ expiresAt: soon }),
      await tenant.link({ expiresAt: soon, expiredUrl: 'https://example.com/over' }),
    ];
    expect((await visit(tenant.domain, `/${plain.key}`)).status).toBe(302);
    await eventually(
      () => visit(tenant.domain, `/${plain.key}`),
      ({ status }) => status === 410,
    );
    expect(await visit(tenant.domain, `/${led.key}`)).toMatchObject({
      status: 302,
      headers: { location: 'https://example.com/over' },
    });
  });

  it('ends a link when its clicks are used up', async () => {
    const { key } = await tenant.link({ maxClicks: 3 });
    const statuses: number[] = [];
    for (let n = 0; n < 6; n++) statuses.push((await visit(tenant.domain, `/${key}`)).status);
    expect(statuses).toEqual([302, 302, 302, 410, 410, 410]);
  });

  it('passes the query on where the link says so', async () => {
    const forwarding = await tenant.link({ forwardQuery: true, url: 'https://example.com/?utm_source=mail&a=1' });
    const plain = await tenant.link();
    expect((await visit(tenant.domain, `/${forwarding.key}?a=2&b=%20x`)).headers.location).toBe(
      'https://example.com/?utm_source=mail&a=2&b=+x',
    );
    expect((await visit(tenant.domain, `/${plain.key}?a=2`)).headers.location).toBe('https://example.com/');
  });

  it('finds keys however they are spelled: encoded, composed or not, with a slash at the end', async () => {
    await tenant.link({ key: 'Größe/été' });
    for (const path of [
      '/Gr%C3%B6%C3%9Fe/%C3%A9t%C3%A9',
      '/Gr%C3%B6%C3%9Fe/e%CC%81te%CC%81',
      '/Gr%C3%B6%C3%9Fe%2F%C3%A9t%C3%A9',
      '/Gr%C3%B6%C3%9Fe/%C3%A9t%C3%A9/',
    ]) {
      expect((await visit(tenant.domain, path)).status).toBe(302);
    }
    expect((await visit(tenant.domain, '/gr%C3%B6%C3%9Fe/%C3%A9t%C3%A9')).status).toBe(404);
  });

  it('does not distinguish case on a domain that says so', async () => {
    const hostname = localHostname();
    await tenant.post('/v1/domains', { hostname, caseSensitive: false });
    await tenant.link({ domain: hostname, key: 'Sale' });
    for (const path of ['/sale', '/SALE', '/Sale']) expect((await visit(hostname, path)).status).toBe(302);
  });

  it('leads the bare domain and unknown keys to the pages of the domain', async () => {
    const hostname = localHostname();
    await tenant.post('/v1/domains', {
      hostname,
      rootUrl: 'https://example.com/root',
      notFoundUrl: 'https://example.com/404',
    });
    expect((await visit(hostname, '/')).headers.location).toBe('https://example.com/root');
    expect(await visit(hostname, `/${unique()}`)).toMatchObject({
      status: 302,
      headers: { location: 'https://example.com/404' },
    });
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])('refuses %s', async (method) => {
    const { key } = await tenant.link();
    const answer = await visit(tenant.domain, `/${key}`, {
      method,
      ...(method !== 'OPTIONS' && { raw: '{"a":1}', headers: { 'content-type': 'application/json' } }),
    });
    expect(answer).toMatchObject({ status: 405, headers: { allow: 'GET, HEAD' } });
  });

  it.each(['/%', '/%zz', '/%ff%fe', '/a%00b'])('refuses the path %s', async (path) => {
    expect((await visit(tenant.domain, path)).status).toBe(400);
  });

  it.each(['/v1/links', '/v1/openapi.json', '/docs', '/livez', '/readyz', '/metrics'])('knows no %s', async (path) => {
    expect((await visit(tenant.domain, path)).status).toBe(404);
  });

  it('answers robots.txt and favicon.ico on every host', async () => {
    expect((await visit(tenant.domain, '/robots.txt', { method: 'HEAD' })).status).toBe(200);
    expect(await visit(tenant.domain, '/robots.txt')).toMatchObject({
      status: 200,
      body: expect.stringContaining('User-agent: *'),
    });
    expect((await visit('unknown.example', '/favicon.ico')).status).toBe(204);
  });

  it('has an edit, a disabling, an enabling and a deletion in force within 2 s', async () => {
    const link = await tenant.link();
    const asked = () => visit(tenant.domain, `/${link.key}`);
    expect((await asked()).status).toBe(302);
    await tenant.patch(`/v1/links/${link.id}`, { url: 'https://example.com/new' });
    await eventually(asked, ({ headers }) => headers.location === 'https://example.com/new', 2);
    await tenant.patch(`/v1/links/${link.id}`, { disabledAt: new Date().toISOString() });
    await eventually(asked, ({ status }) => status === 404, 2);
    await tenant.patch(`/v1/links/${link.id}`, { disabledAt: null });
    await eventually(asked, ({ status }) => status === 302, 2);
    await tenant.delete(`/v1/links/${link.id}`);
    await eventually(asked, ({ status }) => status === 404, 2);
  });

  it('knows a link at once that was asked for before it existed', async () => {
    const key = unique();
    expect((await visit(tenant.domain, `/${key}`)).status).toBe(404);
    await tenant.link({ key });
    await eventually(
      () => visit(tenant.domain, `/${key}`),
      ({ status }) => status === 302,
      2,
    );
  });
});
