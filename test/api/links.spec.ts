import { beforeAll, describe, expect, it } from '@jest/globals';
import { type LinkBody, newTenant, type Tenant, unique } from '../support/waypost.js';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

const LINK_FIELDS = [
  'archived', 'clicks', 'comments', 'createdAt', 'createdBy', 'disabledAt', 'displayUrl', 'domain', 'expiredUrl',
  'expiresAt', 'externalId', 'forwardQuery', 'id', 'key', 'lastClickedAt', 'maxClicks', 'redirectStatus', 'sharedMaxAge',
  'shortLink', 'startsAt', 'tags', 'takedown', 'title', 'updatedAt', 'url', 'visitors', 'warnings',
]; // prettier-ignore

const everyField = () => ({
  key: unique('full-'),
  url: 'https://example.com/landing?a=1#top',
  externalId: unique('ext-'),
  title: 'Été 2030',
  comments: 'Shown on the poster',
  tags: ['summer', 'poster'],
  startsAt: '2030-06-01T02:00:00+02:00',
  expiresAt: '2030-09-01T00:00:00.000Z',
  expiredUrl: 'https://example.com/over',
  maxClicks: 1000,
  redirectStatus: 307,
  forwardQuery: true,
  archived: true,
  disabledAt: '2029-01-01T00:00:00.000Z',
});

describe('creating a link', () => {
  it('keeps every field and answers with all of them', async () => {
    const input = everyField();
    const { status, body } = await tenant.post<LinkBody>('/v1/links', { ...input, domain: tenant.domain });

    expect(status).toBe(201);
    expect(Object.keys(body).sort()).toEqual(LINK_FIELDS);
    expect(body).toMatchObject({
      ...input,
      id: expect.stringMatching(/^link_[0-7][0-9a-hjkmnp-tv-z]{25}$/),
      domain: tenant.domain,
      shortLink: `http://${tenant.domain}/${input.key}`,
      startsAt: '2030-06-01T00:00:00.000Z',
      tags: ['poster', 'summer'],
      clicks: 0,
      visitors: 0,
      lastClickedAt: null,
      createdBy: expect.stringMatching(/^key_/),
    });
  });

  it('gives what is left out its default', async () => {
    const link = await tenant.link({ url: 'https://example.com/plain' });
    expect(link).toMatchObject({
      domain: tenant.domain,
      key: expect.stringMatching(/^[0-9A-Za-z]{7}$/),
      url: 'https://example.com/plain',
      externalId: null,
      title: null,
      comments: null,
      tags: [],
      startsAt: null,
      expiresAt: null,
      expiredUrl: null,
      maxClicks: null,
      redirectStatus: 302,
      forwardQuery: false,
      sharedMaxAge: null,
      archived: false,
      disabledAt: null,
      takedown: null,
      warnings: [],
    });
    expect(link.createdAt).toBe(link.updatedAt);
    expect(Math.abs(Date.now() - Date.parse(String(link.createdAt)))).toBeLessThan(10_000);
  });

  it.each(['tags', 'plain'])('answers the same when asked again by id and by domain and key (%s)', async (kind) => {
    const link = await tenant.link(kind === 'tags' ? { tags: ['b', 'A', 'a', 'É', 'z', 'B', 'b'] } : everyField());
    const info = `/v1/links/info?domain=${encodeURIComponent(tenant.domain)}&key=${link.key}`;

    expect((await tenant.get<LinkBody>(`/v1/links/${link.id}`)).body).toEqual(link);
    expect((await tenant.get<LinkBody>(info)).body).toEqual(link);
  });

  it('refuses an externalId that another link has', async () => {
    const externalId = unique();
    await tenant.link({ externalId });

    expect(await tenant.post('/v1/links', { url: 'https://example.com/', externalId })).toBeProblem(
      409,
      'external_id_taken',
    );
    const other = await tenant.link();
    expect(await tenant.patch(`/v1/links/${other.id}`, { externalId })).toBeProblem(409, 'external_id_taken');
    await expect((await newTenant()).link({ externalId })).resolves.toMatchObject({ externalId });
  });

  it('refuses a domain that is not yours and a tenant without domains', async () => {
    const stranger = await newTenant();
    const answer = await tenant.post('/v1/links', { url: 'https://example.com/', domain: stranger.domain });
    expect(answer).toBeProblem(422, 'invalid_input');
    expect(answer.body).toMatchObject({ errors: [{ pointer: '/domain', code: 'unknown_domain' }] });

    await stranger.delete(`/v1/domains/${stranger.domainId}`);
    const none = await stranger.post('/v1/links', { url: 'https://example.com/' });
    expect(none.body).toMatchObject({ status: 422, errors: [{ pointer: '/domain', code: 'no_domain' }] });
  });

  it.each([
    ['2031-01-01T00:00:00Z', '2031-01-01T00:00:00Z'],
    ['2031-01-01T00:00:00Z', '2030-12-31T23:59:59Z'],
  ])('refuses a link from %s that expires at %s', async (startsAt, expiresAt) => {
    const answer = await tenant.post('/v1/links', { url: 'https://example.com/', startsAt, expiresAt });
    expect(answer).toBeProblem(422, 'invalid_input');
    expect(answer.body).toMatchObject({ errors: [{ pointer: '/expiresAt', code: 'expires_before_start' }] });

    const link = await tenant.link({ startsAt });
    expect(await tenant.patch(`/v1/links/${link.id}`, { expiresAt })).toBeProblem(422, 'invalid_input');
  });
});

describe('what shared caches may keep', () => {
  it('is kept with the link, changed and taken back', async () => {
    const link = await tenant.link({ sharedMaxAge: 86_400 });
    expect(link.sharedMaxAge).toBe(86_400);
    for (const sharedMaxAge of [1, null, 3_600]) {
      const { body } = await tenant.patch<LinkBody>(`/v1/links/${link.id}`, { sharedMaxAge });
      expect(body).toEqual({ ...link, sharedMaxAge, updatedAt: expect.any(String) });
    }
    const { body } = await tenant.patch<LinkBody>(`/v1/links/${link.id}`, { title: 'other' });
    expect(body.sharedMaxAge).toBe(3_600);
  });

  it.each([0, -1, 86_401, 1.5, '60', true])('can not be %j seconds', async (sharedMaxAge) => {
    const answer = await tenant.post('/v1/links', { url: 'https://example.com/', sharedMaxAge });
    expect(answer).toBeProblem(422, 'invalid_input');
    expect(answer.body).toMatchObject({ errors: [{ pointer: '/sharedMaxAge' }] });
  });

  it('is nothing for a link whose clicks are limited, however it comes to be', async () => {
    const both = { sharedMaxAge: 60, maxClicks: 10 };
    const [shared, limited] = [await tenant.link({ sharedMaxAge: 60 }), await tenant.link({ maxClicks: 10 })];
    for (const answer of [
      await tenant.post('/v1/links', { url: 'https://example.com/', ...both }),
      await tenant.patch(`/v1/links/${shared.id}`, { maxClicks: 10 }),
      await tenant.patch(`/v1/links/${limited.id}`, { sharedMaxAge: 60 }),
    ]) {
      expect(answer).toBeProblem(422, 'invalid_input');
      expect(answer.body).toMatchObject({ errors: [{ pointer: '/sharedMaxAge', code: 'clicks_not_counted' }] });
    }
    const swapped = await tenant.patch<LinkBody>(`/v1/links/${shared.id}`, { maxClicks: 10, sharedMaxAge: null });
    expect(swapped.body).toMatchObject({ maxClicks: 10, sharedMaxAge: null });
  });
});

describe('editing a link', () => {
  const changes: Array<Record<string, unknown>> = [
    { url: 'https://example.com/new' },
    { externalId: 'patched' },
    { title: 'New title' },
    { comments: 'New comments' },
    { tags: ['new'] },
    { startsAt: '2030-07-01T00:00:00.000Z' },
    { expiresAt: '2030-10-01T00:00:00.000Z' },
    { expiredUrl: 'https://example.com/gone' },
    { maxClicks: 5 },
    { redirectStatus: 308 },
    { forwardQuery: false },
    { archived: false },
    { disabledAt: '2029-02-01T00:00:00.000Z' },
    ...['externalId', 'title', 'comments', 'startsAt', 'expiresAt', 'expiredUrl', 'maxClicks', 'disabledAt'].map(
      (field) => ({
        [field]: null,
      }),
    ),
    { tags: [] },
  ];

  it.each(changes.map((change) => [JSON.stringify(change), change] as const))(
    'changes %s and nothing else',
    async (_name, change) => {
      const before = await tenant.link(everyField());
      const { status, body } = await tenant.patch<LinkBody>(`/v1/links/${before.id}`, change);

      expect(status).toBe(200);
      const displayUrl = change.url ?? before.displayUrl;
      expect(body).toEqual({ ...before, ...change, displayUrl, updatedAt: expect.any(String) });
      expect(Date.parse(String(body.updatedAt))).toBeGreaterThanOrEqual(Date.parse(String(before.updatedAt)));
      expect((await tenant.get<LinkBody>(`/v1/links/${before.id}`)).body).toEqual(body);
    },
  );

  it.each(['url', 'tags', 'redirectStatus', 'forwardQuery', 'archived', 'key', 'domain'])(
    'refuses null for %s',
    async (field) => {
      const link = await tenant.link();
      const answer = await tenant.patch(`/v1/links/${link.id}`, { [field]: null });
      expect(answer).toBeProblem(422, 'invalid_input');
      expect(answer.body).toMatchObject({ errors: [{ pointer: `/${field}` }] });
    },
  );
});
