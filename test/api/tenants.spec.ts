import { describe, expect, it } from '@jest/globals';
import { everything } from '../support/pages.js';
import { asRole } from '../support/database.js';
import { scimGroup, scimUser } from '../support/scim.js';
import { Caller, eventually, newTenant, operator, type ProblemBody, unique, visit } from '../support/waypost.js';

interface TenantBody {
  id: string;
  name: string;
  slug: string;
  suspendedAt: string | null;
  createdAt: string;
  updatedAt: string;
  apiKey?: string;
  limits: object;
  redirectsWhileSuspended: boolean;
}

const TENANT_FIELDS = [
  'clickDetails',
  'clickRetentionDays',
  'createdAt',
  'id',
  'limits',
  'name',
  'plan',
  'redirectsWhileSuspended',
  'slug',
  'suspendedAt',
  'updatedAt',
];

describe('operators', () => {
  it('create a tenant with the key of its first owner, shown once', async () => {
    const slug = unique();
    const { status, body } = await operator.post<TenantBody>('/v1/tenants', { name: ' Acme ', slug });

    expect(status).toBe(201);
    expect(Object.keys(body).sort()).toEqual(['apiKey', ...TENANT_FIELDS]);
    expect(body).toMatchObject({ id: expect.stringMatching(/^tnt_/), name: 'Acme', slug, suspendedAt: null });
    expect(body.apiKey).toMatch(/^wp_[0-9A-Za-z]{60}$/);
    const { apiKey, ...tenant } = body;
    expect((await operator.get<TenantBody>(`/v1/tenants/${body.id}`)).body).toEqual(tenant);
    const { limits: _own, ...same } = tenant;
    expect((await new Caller(String(apiKey)).get('/v1/tenant')).body).toMatchObject(same);
  });

  it('list every tenant once, page by page, without secrets', async () => {
    const made = [await newTenant(), await newTenant(), await newTenant()];
    const listed = await everything<TenantBody>(operator, '/v1/tenants?limit=7');
    const ids = listed.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual(expect.arrayContaining(made.map(({ tenantId }) => tenantId)));
    expect(new Set(listed.flatMap((tenant) => Object.keys(tenant)))).toEqual(new Set(TENANT_FIELDS));
  });

  it('change a name and a slug, which stays unique', async () => {
    const [tenant, other] = [await newTenant(), await newTenant()];
    const [name, slug] = ['Renamed', unique()];
    const { body } = await operator.patch<TenantBody>(`/v1/tenants/${tenant.tenantId}`, { name, slug });
    expect(body).toMatchObject({ id: tenant.tenantId, name, slug, suspendedAt: null });
    expect((await tenant.get('/v1/tenant')).body).toMatchObject({ name, slug });
    expect(await operator.patch(`/v1/tenants/${other.tenantId}`, { slug })).toBeProblem(409, 'slug_taken');
    expect(await operator.post('/v1/tenants', { name, slug })).toBeProblem(409, 'slug_taken');
  });

  it.each([
    [{ name: 'A' }, '/slug'],
    [{ slug: 'a' }, '/name'],
    [{ name: '  ', slug: 'a' }, '/name'],
    [{ name: 'x'.repeat(201), slug: 'a' }, '/name'],
    [{ name: 'A', slug: '-a' }, '/slug'],
    [{ name: 'A', slug: 'a-' }, '/slug'],
    [{ name: 'A', slug: 'A' }, '/slug'],
    [{ name: 'A', slug: 'a b' }, '/slug'],
    [{ name: 'A', slug: 'ä' }, '/slug'],
    [{ name: 'A', slug: 'x'.repeat(64) }, '/slug'],
    [{ name: 'A', slug: 'a', suspended: true }, '/suspended'],
  ])('can not create %j', async (body, pointer) => {
    const answer = await operator.post<ProblemBody>('/v1/tenants', body);
    expect(answer).toBeProblem(422, 'invalid_input');
    expect(answer.body.errors?.[0]?.pointer).toBe(pointer);
  });

  it.each([
    ['GET', '/v1/tenant'],
    ['PATCH', '/v1/tenant'],
    ['GET', '/v1/links'],
    ['POST', '/v1/links'],
    ['POST', '/v1/shorten'],
    ['GET', '/v1/domains'],
    ['GET', '/v1/api-keys'],
    ['POST', '/v1/api-keys'],
    ['GET', '/v1/analytics'],
  ])('own no links: the platform key may not %s %s', async (method, path) => {
    expect(await operator.ask(method, path, method === 'GET' ? {} : { body: {} })).toBeProblem(403, 'forbidden');
  });
});

describe('a tenant', () => {
  it('sees and renames itself, and no more', async () => {
    const tenant = await newTenant();
    const { body } = await tenant.patch<TenantBody>('/v1/tenant', { name: 'Our name' });
    expect(body).toMatchObject({ id: tenant.tenantId, name: 'Our name' });
    expect((await operator.get(`/v1/tenants/${tenant.tenantId}`)).body).toEqual(body);
    for (const field of ['slug', 'suspended', 'suspendedAt', 'id']) {
      const answer = await tenant.patch<ProblemBody>('/v1/tenant', { [field]: 'x' });
      expect(answer.body.errors).toMatchObject([{ pointer: `/${field}`, code: 'unknown_field' }]);
    }
  });

  it('is no operator', async () => {
    const tenant = await newTenant();
    const own = `/v1/tenants/${tenant.tenantId}`;
    expect(await tenant.get('/v1/tenants')).toBeProblem(403, 'forbidden');
    expect(await tenant.post('/v1/tenants', { name: 'A', slug: unique() })).toBeProblem(403, 'forbidden');
    expect(await tenant.get(own)).toBeProblem(403, 'forbidden');
    expect(await tenant.patch(own, { suspended: false })).toBeProblem(403, 'forbidden');
    expect(await tenant.delete(own)).toBeProblem(403, 'forbidden');
  });
});

describe('a suspended tenant', () => {
  it('is shut out, its links answer 404, and all is back when the suspension ends', async () => {
    const tenant = await newTenant();
    const link = await tenant.link();
    const status = async () => (await visit(tenant.domain, `/${link.key}`)).status;
    expect(await status()).toBe(302);

    const suspended = await operator.patch<TenantBody>(`/v1/tenants/${tenant.tenantId}`, { suspended: true });
    expect(Date.parse(String(suspended.body.suspendedAt))).toBeGreaterThan(Date.now() - 10_000);
    for (const answer of [
      await tenant.get('/v1/tenant'),
      await tenant.post('/v1/shorten', { url: 'https://example.com/' }),
    ]) {
      expect(answer).toBeProblem(403, 'tenant_suspended');
    }
    await eventually(status, (seen) => seen === 404, 2);
    const again = await operator.patch<TenantBody>(`/v1/tenants/${tenant.tenantId}`, { suspended: true });
    expect(again.body.suspendedAt).toBe(suspended.body.suspendedAt);

    const back = await operator.patch<TenantBody>(`/v1/tenants/${tenant.tenantId}`, { suspended: false });
    expect(back.body.suspendedAt).toBeNull();
    expect((await tenant.get(`/v1/links/${link.id}`)).body).toMatchObject({ id: link.id, key: link.key });
    await eventually(status, (seen) => seen === 302, 2);
  });
});

describe("a suspended tenant's redirects", () => {
  it('go on or stop by a switch of the operators, and the API stays shut', async () => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant.tenantId}`;
    const link = await tenant.link();
    const status = async () => (await visit(tenant.domain, `/${link.key}`)).status;
    const suspended = await operator.patch<TenantBody>(path, { suspended: true, redirectsWhileSuspended: true });
    expect(suspended.body).toMatchObject({ suspendedAt: expect.any(String), redirectsWhileSuspended: true });
    expect(await tenant.get('/v1/tenant')).toBeProblem(403, 'tenant_suspended');
    expect(await status()).toBe(302);

    await operator.patch(path, { redirectsWhileSuspended: false });
    await eventually(status, (seen) => seen === 404, 2);
    await operator.patch(path, { redirectsWhileSuspended: true });
    await eventually(status, (seen) => seen === 302, 2);
    expect(await tenant.get('/v1/tenant')).toBeProblem(403, 'tenant_suspended');
    expect(await tenant.patch('/v1/tenant', { redirectsWhileSuspended: true })).toBeProblem(403, 'tenant_suspended');
  });
});

describe('what operators do to a tenant', () => {
  it("stands in the platform's own audit trail as well, which outlives the tenant", async () => {
    const tenant = await newTenant();
    const path = `/v1/tenants/${tenant.tenantId}`;
    expect((await operator.patch(path, { plan: 'Large' })).status).toBe(200);
    expect((await tenant.patch('/v1/tenant', { name: 'Our own doing' })).status).toBe(200);
    expect((await operator.delete(path)).status).toBe(204);
    const events = await everything<Record<string, unknown>>(operator, `/v1/audit-events?target=${tenant.tenantId}`);
    expect(events.map(({ action, actor }) => [action, actor])).toEqual([
      ['tenant.deleted', 'platform'],
      ['tenant.updated', 'platform'],
      ['tenant.created', 'platform'],
    ]);
    expect(events[1]).toMatchObject({ before: { plan: 'standard' }, after: { plan: 'Large' } });
  });
});

describe('a deleted tenant', () => {
  it('is gone at once, its hostname is free after the upkeep, and its audit trail stays', async () => {
    const tenant = await newTenant();
    const link = await tenant.link({ tags: ['a'] });
    await tenant.ask('PUT', '/v1/provisioning', { body: { groupRoles: { staff: 'viewer' } } });
    await scimGroup(tenant, { displayName: 'Staff', members: [{ value: (await scimUser(tenant)).id }] });
    const status = async () => (await visit(tenant.domain, `/${link.key}`)).status;
    expect(await status()).toBe(302);
    const { slug } = (await tenant.get<TenantBody>('/v1/tenant')).body;

    expect(await operator.delete(`/v1/tenants/${tenant.tenantId}`)).toMatchObject({ status: 204, text: '' });
    expect(await tenant.get('/v1/tenant')).toBeProblem(401, 'unauthenticated');
    await eventually(status, (seen) => seen === 404, 2);
    const path = `/v1/tenants/${tenant.tenantId}`;
    for (const answer of [
      await operator.get(path),
      await operator.patch(path, { name: 'x' }),
      await operator.delete(path),
    ]) {
      expect(answer).toBeProblem(404, 'tenant_not_found');
    }
    expect((await everything<TenantBody>(operator, '/v1/tenants')).map(({ id }) => id)).not.toContain(tenant.tenantId);
    expect((await operator.post('/v1/tenants', { name: 'Next', slug })).status).toBe(201);

    const heir = await newTenant();
    const claim = () => heir.post('/v1/domains', { hostname: tenant.domain });
    await eventually(claim, (answer) => answer.status === 201, 90);
    expect(await status()).toBe(404);
    const own = await heir.link({ domain: tenant.domain, key: link.key, url: 'https://example.com/heir' });
    await eventually(status, (seen) => seen === 302, 2);
    expect((await visit(tenant.domain, `/${own.key}`)).headers.location).toBe('https://example.com/heir');

    const left = await asRole('postgres', async (client) => {
      const { rows } = await client.query<{ id: string }>(
        'SELECT id FROM tenants WHERE slug = $1 AND deleted_at IS NOT NULL',
        [slug],
      );
      return client.query<{ rows: number; events: number }>(
        `SELECT (SELECT count(*)::int FROM links WHERE tenant_id = $1) + (SELECT count(*)::int FROM tags WHERE tenant_id = $1)
              + (SELECT count(*)::int FROM link_stats WHERE tenant_id = $1) + (SELECT count(*)::int FROM domains WHERE tenant_id = $1)
              + (SELECT count(*)::int FROM api_keys WHERE tenant_id = $1) + (SELECT count(*)::int FROM members WHERE tenant_id = $1)
              + (SELECT count(*)::int FROM scim_users WHERE tenant_id = $1) + (SELECT count(*)::int FROM scim_groups WHERE tenant_id = $1)
              + (SELECT count(*)::int FROM scim_group_members WHERE tenant_id = $1) + (SELECT count(*)::int FROM scim_settings WHERE tenant_id = $1) AS rows,
                (SELECT count(*)::int FROM audit_events WHERE tenant_id = $1 AND action = 'tenant.deleted') AS events`,
        [rows[0]?.id],
      );
    });
    expect(left.rows).toEqual([{ rows: 0, events: 1 }]);
  }, 120_000);
});
