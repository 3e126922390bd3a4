import { beforeAll, describe, expect, it } from '@jest/globals';
import { PERMISSIONS_OF } from '../../src/identity/permissions.js';
import { AUDIENCE, type ProviderBody, register } from '../support/identity-providers.js';
import { everything } from '../support/pages.js';
import { Caller, newTenant, type PageBody, type ProblemBody, type Tenant, unique } from '../support/waypost.js';

interface EventBody {
  action: string;
  actor: string;
  target: { id: string };
  before: Record<string, unknown> | null;
  after: Record<string, unknown> | null;
}

const PATH = '/v1/identity-providers';
const issuer = (): string => `https://${unique('id')}.example.com/realms/main`;

let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

const faults = async (body: unknown, method = 'POST', path = PATH) => {
  const answer = await tenant.ask<ProblemBody>(method, path, { body });
  expect(answer).toBeProblem(422, 'invalid_input');
  return answer.body.errors?.map(({ pointer, code }) => `${pointer} ${code}`);
};

describe('identity providers', () => {
  it('are registered, shown, listed, changed and deleted', async () => {
    const given = {
      name: 'Staff',
      issuer: issuer(),
      audience: AUDIENCE,
      roleClaim: 'realm_access.roles',
      roleMapping: { marketing: 'editor', it: 'admin' },
      defaultRole: 'viewer',
      emailDomains: ['Example.com', 'bücher.example'],
    };
    const made = await tenant.post<ProviderBody>(PATH, given);
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ ...given, emailDomains: ['example.com', 'xn--bcher-kva.example'] });
    expect(made.body.id).toMatch(/^idp_/);
    expect((await tenant.get(`${PATH}/${made.body.id}`)).body).toEqual(made.body);
    expect(await everything<ProviderBody>(tenant, PATH)).toContainEqual(made.body);

    const change = { roleMapping: { it: 'owner' }, defaultRole: null, name: 'People' };
    const changed = await tenant.patch<ProviderBody>(`${PATH}/${made.body.id}`, change);
    expect(changed).toMatchObject({ status: 200, body: { ...made.body, ...change, updatedAt: expect.any(String) } });

    expect((await tenant.delete(`${PATH}/${made.body.id}`)).status).toBe(204);
    for (const method of ['GET', 'DELETE']) {
      expect(await tenant.ask(method, `${PATH}/${made.body.id}`)).toBeProblem(404, 'identity_provider_not_found');
    }
    expect(await tenant.patch(`${PATH}/${made.body.id}`, {})).toBeProblem(404, 'identity_provider_not_found');
  });

  it('need a name, an issuer and an audience alone, and then let nobody in by themselves', async () => {
    const { roleClaim, roleMapping, defaultRole, emailDomains } = await register(tenant, { issuer: issuer() });
    expect({ roleClaim, roleMapping, defaultRole, emailDomains }).toEqual({
      roleClaim: null,
      roleMapping: {},
      defaultRole: null,
      emailDomains: [],
    });
  });

  it('stand in the audit trail, before and after', async () => {
    const { id } = await register(tenant, { issuer: issuer(), name: 'One' });
    await tenant.patch(`${PATH}/${id}`, { name: 'Two' });
    await tenant.delete(`${PATH}/${id}`);
    const { body } = await tenant.get<PageBody<EventBody>>(`/v1/audit-events?target=${id}`);
    expect(body.data.map(({ action, before, after }) => [action, before?.name, after?.name])).toEqual([
      ['identity_provider.deleted', 'Two', undefined],
      ['identity_provider.updated', 'One', 'Two'],
      ['identity_provider.created', undefined, 'One'],
    ]);
  });

  it('are there once with an issuer and an audience, and again with another audience or in another tenant', async () => {
    const given = { issuer: issuer(), name: 'Staff', audience: AUDIENCE };
    const { id } = await register(tenant, { ...given, audience: 'other' });
    expect((await tenant.post(PATH, given)).status).toBe(201);
    expect(await tenant.post(PATH, given)).toBeProblem(409, 'identity_provider_taken');
    expect(await tenant.patch(`${PATH}/${id}`, { audience: AUDIENCE })).toBeProblem(409, 'identity_provider_taken');
    expect((await (await newTenant()).post(PATH, given)).status).toBe(201);
  });

  it.each([
    'http://id.example.com',
    'http://10.0.0.1:8080',
    'ftp://id.example.com',
    'https://user:secret@id.example.com',
    'https://id.example.com/?tenant=1',
    'https://id.example.com/#',
    'https://ID.example.com',
    'id.example.com',
    '',
  ])('are refused with the issuer %j', async (issuer) =>
    expect(await faults({ name: 'x', audience: 'x', issuer })).toEqual(['/issuer invalid_issuer']),
  );

  it('refuse what makes no sense', async () => {
    const good = { name: 'x', audience: 'x', issuer: issuer() };
    expect(await faults({ ...good, roleMapping: { it: 'admin' } })).toEqual(['/roleClaim required']);
    expect(await faults({ ...good, roleClaim: 'r', roleMapping: { it: 'god' } })).toEqual([
      '/roleMapping/it invalid_value',
    ]);
    expect(await faults({ ...good, roleClaim: 'r', roleMapping: { 'it\0': 'admin' } })).toEqual([
      '/roleMapping invalid_text',
    ]);
    expect(await faults({ ...good, defaultRole: 'god' })).toEqual(['/defaultRole invalid_value']);
    expect(await faults({ ...good, emailDomains: ['@example.com'] })).toEqual(['/emailDomains/0 invalid_hostname']);
    expect(await faults({ ...good, secret: 'x' })).toEqual(['/secret unknown_field']);
  });

  it('keep their issuer: members are known by what it calls them', async () => {
    const { id } = await register(tenant, { issuer: issuer() });
    expect(await faults({ issuer: issuer() }, 'PATCH', `${PATH}/${id}`)).toEqual(['/issuer unknown_field']);
  });

  it('give no role that may do more than who registers them', async () => {
    const scopes = ['identity-providers:read', 'identity-providers:write', 'links:read', 'domains:read', 'tenant:read'];
    const { body } = await tenant.post<{ apiKey: string }>('/v1/api-keys', { name: 'Providers', scopes });
    const little = new Caller(body.apiKey);
    const given = { issuer: issuer(), name: 'x', audience: 'x' };
    expect(await little.post(PATH, { ...given, defaultRole: 'owner' })).toBeProblem(403, 'role_above_yours');
    expect(await little.post(PATH, { ...given, roleClaim: 'r', roleMapping: { a: 'editor' } })).toBeProblem(
      403,
      'role_above_yours',
    );
    const { id } = await register(little, { ...given, defaultRole: 'viewer' });
    expect(await little.patch(`${PATH}/${id}`, { defaultRole: 'admin' })).toBeProblem(403, 'role_above_yours');
  });

  it.each([{ emailDomains: ['example.com'] }, { directory: { claim: 'sub', attribute: 'externalId' } }])(
    'say who somebody with any role is for owners alone: %j',
    async (whose) => {
      const scopes = PERMISSIONS_OF.owner.filter((scope) => scope !== 'tenant:write');
      const { body } = await tenant.post<{ apiKey: string }>('/v1/api-keys', { name: 'Providers', scopes });
      const little = new Caller(body.apiKey);
      const given = { issuer: issuer(), name: 'x', audience: 'x' };
      expect(await little.post(PATH, { ...given, ...whose })).toBeProblem(403, 'role_above_yours');
      const { id } = await register(little, given);
      expect(await little.patch(`${PATH}/${id}`, whose)).toBeProblem(403, 'role_above_yours');
      // Nor do they change anything of one that says so, but that it no longer does.
      expect((await tenant.patch(`${PATH}/${id}`, whose)).status).toBe(200);
      expect(await little.patch(`${PATH}/${id}`, { audience: 'y' })).toBeProblem(403, 'role_above_yours');
      expect((await little.patch(`${PATH}/${id}`, { emailDomains: [], directory: null })).status).toBe(200);
    },
  );

  it('ask for a permission of their own', async () => {
    const { body } = await tenant.post<{ apiKey: string }>('/v1/api-keys', {
      name: 'Reader',
      scopes: ['identity-providers:read'],
    });
    const reader = new Caller(body.apiKey);
    expect((await reader.get(PATH)).status).toBe(200);
    expect(await reader.post(PATH, { issuer: issuer(), name: 'x', audience: 'x' })).toBeProblem(403, 'forbidden');
  });
});
