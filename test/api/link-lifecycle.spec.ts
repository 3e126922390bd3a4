import { beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, type LinkBody, newTenant, type Tenant, unique, visit } from '../support/waypost.js';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

describe('moving a link', () => {
  it('moves a link to another key and domain: the old address ends, the new one redirects', async () => {
    const link = await tenant.link({ url: 'https://example.com/moved', key: unique() });
    expect((await visit(tenant.domain, `/${link.key}`)).status).toBe(302);

    const { body: domain } = await tenant.post<{ hostname: string }>('/v1/domains', {
      hostname: `moved-${tenant.domain}`,
    });
    const moved = await tenant.patch<LinkBody>(`/v1/links/${link.id}`, { domain: domain.hostname, key: 'there' });
    expect(moved.body).toMatchObject({
      domain: domain.hostname,
      key: 'there',
      shortLink: `http://${domain.hostname}/there`,
    });

    await eventually(
      () => visit(tenant.domain, `/${link.key}`),
      ({ status }) => status === 404,
      2,
    );
    expect(await visit(domain.hostname, '/there')).toMatchObject({
      status: 302,
      headers: { location: 'https://example.com/moved' },
    });
  });

  it('refuses to move a link to a key that is used there', async () => {
    const [taken, link] = [await tenant.link(), await tenant.link()];
    expect(await tenant.patch(`/v1/links/${link.id}`, { key: taken.key })).toBeProblem(409, 'key_taken');
    expect((await tenant.get<LinkBody>(`/v1/links/${link.id}`)).body).toEqual(link);
  });
});

describe('switching a link off, archiving and deleting it', () => {
  const state = (link: LinkBody) => visit(link.domain, `/${link.key}`);

  it('stops redirecting while disabledAt is set', async () => {
    const link = await tenant.link();
    expect((await state(link)).status).toBe(302);

    await tenant.patch(`/v1/links/${link.id}`, { disabledAt: new Date().toISOString() });
    await eventually(
      () => state(link),
      ({ status }) => status === 404,
      2,
    );

    await tenant.patch(`/v1/links/${link.id}`, { disabledAt: null });
    await eventually(
      () => state(link),
      ({ status }) => status === 302,
      2,
    );
  });

  it('keeps redirecting an archived link', async () => {
    const link = await tenant.link();
    expect((await tenant.patch<LinkBody>(`/v1/links/${link.id}`, { archived: true })).body.archived).toBe(true);
    expect((await state(link)).status).toBe(302);
  });

  it('forgets a deleted link and frees its key', async () => {
    const link = await tenant.link({ key: unique(), tags: ['gone'] });
    expect((await state(link)).status).toBe(302);

    expect(await tenant.delete(`/v1/links/${link.id}`)).toMatchObject({ status: 204, body: '' });
    expect(await tenant.get(`/v1/links/${link.id}`)).toBeProblem(404, 'link_not_found');
    expect(await tenant.delete(`/v1/links/${link.id}`)).toBeProblem(404, 'link_not_found');
    expect(await tenant.patch(`/v1/links/${link.id}`, { title: 'x' })).toBeProblem(404, 'link_not_found');
    await eventually(
      () => state(link),
      ({ status }) => status === 404,
      2,
    );

    const next = await tenant.link({ key: link.key, url: 'https://example.com/next' });
    expect(next.id).not.toBe(link.id);
    await eventually(
      () => state(link),
      ({ headers }) => headers.location === 'https://example.com/next',
      2,
    );
  });
});
