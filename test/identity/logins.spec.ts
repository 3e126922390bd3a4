import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { IdentityProvider } from '../support/identity-provider.js';
import { askWith, AUDIENCE, type ProviderBody, register } from '../support/identity-providers.js';
import { invite, type MemberBody, someEmail } from '../support/members.js';
import { everything } from '../support/pages.js';
import {
  type Caller,
  eventually,
  newTenant,
  operator,
  type PageBody,
  type Tenant,
  unique,
} from '../support/waypost.js';

let provider: IdentityProvider;
let tenant: Tenant;
let registered: ProviderBody;

beforeAll(async () => {
  provider = await IdentityProvider.start(AUDIENCE);
  tenant = await newTenant();
  registered = await register(tenant, settings());
});
afterAll(() => provider.stop());

const settings = () => ({
  issuer: provider.issuer,
  roleClaim: 'realm_access.roles',
  roleMapping: { marketing: 'editor', it: 'admin' },
  emailDomains: ['example.com'],
});

/** A person at the provider. */
function person(roles: string[], more: object = {}): string {
  const name = unique('person');
  provider.accounts.set(name, { realm_access: { roles }, ...more });
  return name;
}

/** Logs somebody in. @returns the access token */
const tokenOf = async (account: string): Promise<string> => (await provider.logIn(account)).access_token;
const withRoles = (...roles: string[]): Promise<string> => tokenOf(person(roles));

const memberOf = async (by: Caller, subject: string): Promise<MemberBody | undefined> =>
  (await everything<MemberBody>(by, '/v1/members')).find(({ identity }) => identity?.subject === subject);

describe('a login by code and PKCE', () => {
  it('makes a member with the role of the mapping, who acts under a name of their own', async () => {
    const ada = person(['other', 'marketing'], { name: 'Ada' });
    const token = await tokenOf(ada);
    expect(await askWith(token)).toMatchObject({ status: 200, body: { id: tenant.tenantId } });

    const member = await memberOf(tenant, ada);
    expect(member).toMatchObject({ role: 'editor', status: 'active', name: 'Ada', email: null });
    expect(member?.identity?.provider).toBe(registered.id);

    const link = await askWith<{ id: string; createdBy: string }>(token, {
      path: '/v1/links',
      method: 'POST',
      body: { url: 'https://example.com/' },
      headers: { 'idempotency-key': unique() },
    });
    expect(link).toMatchObject({ status: 201, body: { createdBy: member?.id } });
    const events = await tenant.get<PageBody<{ actor: string }>>(`/v1/audit-events?target=${link.body.id}`);
    expect(events.body.data).toMatchObject([{ action: 'link.created', actor: member?.id }]);
    expect(await askWith(token, { path: '/v1/members' })).toBeProblem(403, 'forbidden');
  });

  it('goes on with a refreshed token as the same member', async () => {
    const grace = person(['it']);
    const tokens = await provider.logIn(grace);
    expect((await askWith(tokens.access_token, { path: '/v1/members' })).status).toBe(200);
    const refreshed = await provider.refresh(tokens);
    expect(refreshed.access_token).not.toBe(tokens.access_token);
    expect((await askWith(refreshed.access_token, { path: '/v1/members' })).status).toBe(200);
    expect(
      (await everything<MemberBody>(tenant, '/v1/members')).filter((m) => m.identity?.subject === grace),
    ).toHaveLength(1);
  });

  it('makes one member of somebody who comes many times at once', async () => {
    const eve = person(['marketing']);
    const token = await tokenOf(eve);
    const answers = await Promise.all(Array.from({ length: 20 }, () => askWith(token)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(
      (await everything<MemberBody>(tenant, '/v1/members')).filter((m) => m.identity?.subject === eve),
    ).toHaveLength(1);
  });

  it('opens nothing to somebody without a role and without an invitation', async () => {
    expect(await askWith(await withRoles('other'))).toBeProblem(401, 'unauthenticated');
    expect(await askWith(await withRoles())).toBeProblem(401, 'unauthenticated');
  });

  it('takes up an invitation, if the provider has verified an address of its domains', async () => {
    const email = someEmail();
    const invited = await invite(tenant, { email, role: 'analyst' });
    const unverified = person([], { email, email_verified: false });
    expect(await askWith(await tokenOf(unverified))).toBeProblem(401, 'unauthenticated');
    const ada = person([], { email: email.toUpperCase(), email_verified: true });
    expect((await askWith(await tokenOf(ada))).status).toBe(200);
    expect(await memberOf(tenant, ada)).toMatchObject({ id: invited.id, role: 'analyst', status: 'active' });

    const elsewhere = email.replace('example.com', 'example.org');
    await invite(tenant, { email: elsewhere });
    const mallory = person([], { email: elsewhere, email_verified: true });
    expect(await askWith(await tokenOf(mallory))).toBeProblem(401, 'unauthenticated');
  });

  it('goes on while the provider changes its keys, with any algorithm', async () => {
    const account = person(['marketing']);
    const before = await tokenOf(account);
    expect((await askWith(before)).status).toBe(200);
    for (const [kid, alg] of [
      ['two', 'ES256'],
      ['three', 'EdDSA'],
    ] as const) {
      await provider.useNewKey(kid, alg);
      expect((await askWith(await tokenOf(account))).status).toBe(200);
    }
    expect(await askWith(before)).toBeProblem(401, 'unauthenticated');
  });
});

describe('access', () => {
  it('ends within a minute of a removal, as do tokens that are still good', async () => {
    const ada = person([], { email: someEmail(), email_verified: true });
    await invite(tenant, { email: String(provider.accounts.get(ada)?.email) });
    const token = await tokenOf(ada);
    expect((await askWith(token)).status).toBe(200);
    const member = await memberOf(tenant, ada);
    expect((await tenant.delete(`/v1/members/${member?.id}`)).status).toBe(204);
    const refused = await eventually(
      () => askWith(token),
      ({ status }) => status === 401,
      60,
    );
    expect(refused).toBeProblem(401, 'unauthenticated');
  }, 90_000);

  it('does not come back by the role mapping after a removal, but by an invitation', async () => {
    const email = someEmail();
    const ada = person(['it'], { email, email_verified: true });
    const token = await tokenOf(ada);
    expect((await askWith(token)).status).toBe(200);
    await tenant.delete(`/v1/members/${(await memberOf(tenant, ada))?.id}`);
    await eventually(
      () => askWith(token),
      ({ status }) => status === 401,
      60,
    );
    expect(await askWith(await tokenOf(ada))).toBeProblem(401, 'unauthenticated');
    await invite(tenant, { email, role: 'viewer' });
    expect((await askWith(token)).status).toBe(200);
    expect(await memberOf(tenant, ada)).toMatchObject({ role: 'viewer' });
  }, 90_000);

  it('is another within a minute of a change of role', async () => {
    const ada = person(['marketing']);
    const token = await tokenOf(ada);
    const ask = () => askWith(token, { path: '/v1/members' });
    expect(await ask()).toBeProblem(403, 'forbidden');
    const member = await memberOf(tenant, ada);
    await tenant.patch(`/v1/members/${member?.id}`, { role: 'admin' });
    await eventually(ask, ({ status }) => status === 200, 60);
  }, 90_000);

  it('ends within a minute when the provider is deleted, and at a suspension', async () => {
    const other = await newTenant();
    const { id } = await register(other, { ...settings(), audience: AUDIENCE });
    const token = await withRoles('it');
    const ask = () => askWith(token, { tenant: other.tenantId });
    expect((await ask()).status).toBe(200);
    await operator.patch(`/v1/tenants/${other.tenantId}`, { suspended: true });
    expect(await eventually(ask, ({ status }) => status !== 200, 60)).toBeProblem(403, 'tenant_suspended');
    await operator.patch(`/v1/tenants/${other.tenantId}`, { suspended: false });
    await eventually(ask, ({ status }) => status === 200, 60);
    await other.delete(`/v1/identity-providers/${id}`);
    expect(await eventually(ask, ({ status }) => status !== 200, 60)).toBeProblem(401, 'unauthenticated');
  }, 120_000);
});

describe('a provider of several tenants', () => {
  let second: Tenant;
  let slug: string;
  const shared = unique('https://shared-');

  beforeAll(async () => {
    second = await newTenant();
    slug = (await second.get<{ slug: string }>('/v1/tenant')).body.slug;
    const third = await newTenant();
    for (const one of [second, third]) await register(one, { ...settings(), audience: shared });
  });

  const sharedToken = async (account: string): Promise<string> => (await provider.logIn(account, shared)).access_token;

  it('asks a person to say which one: by id or slug, in the first login', async () => {
    const token = await sharedToken(person(['marketing']));
    expect(await askWith(token)).toBeProblem(401, 'unauthenticated');
    expect(await askWith(token, { tenant: slug })).toMatchObject({ status: 200, body: { id: second.tenantId } });
    expect(await askWith(token, { tenant: second.tenantId })).toMatchObject({ status: 200, body: { slug } });
    expect(await askWith(token, { tenant: tenant.tenantId })).toBeProblem(401, 'unauthenticated');
  });

  it('knows whose member a person is: nobody else’s registration stands in the way', async () => {
    const token = await sharedToken(person(['marketing']));
    expect((await askWith(token, { tenant: second.tenantId })).status).toBe(200);
    const answer = await eventually(
      () => askWith(token),
      ({ status }) => status === 200,
      60,
    );
    expect(answer.body).toMatchObject({ id: second.tenantId });
  }, 90_000);
});
