import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { askWith, type ProviderBody, register } from '../support/identity-providers.js';
import { invite, type MemberBody, someEmail } from '../support/members.js';
import { everything } from '../support/pages.js';
import { Directory, type ErrorBody, type GroupBody, patch, scimGroup, scimUser } from '../support/scim.js';
import { TokenIssuer } from '../support/token-issuer.js';
import {
  type Answer,
  Caller,
  eventually,
  newTenant,
  operator,
  type ProblemBody,
  type Tenant,
  unique,
} from '../support/waypost.js';

let issuer: TokenIssuer;
let tenant: Tenant;
let directory: Directory;
let provider: ProviderBody;

beforeAll(async () => {
  issuer = await TokenIssuer.start();
  await issuer.addKey('known', 'ES256');
  tenant = await newTenant();
  directory = await Directory.of(tenant);
  provider = await register(tenant, {
    issuer: issuer.issuer,
    directory: { claim: 'oid', attribute: 'externalId' },
    defaultRole: 'viewer',
    emailDomains: ['example.com'],
  });
  await map({ Marketing: 'editor', Admins: 'admin' }, 'viewer');
});
afterAll(() => issuer.goAway());

const map = async (groupRoles: object, defaultRole: string | null, of: Caller = tenant): Promise<void> => {
  const answer = await of.ask('PUT', '/v1/provisioning', { body: { groupRoles, defaultRole } });
  if (answer.status !== 200) throw new Error(`Not mapped: ${answer.status} ${answer.text}`);
};

const memberOf = async (id: string, of: Caller = tenant): Promise<MemberBody | undefined> =>
  (await everything<MemberBody>(of, '/v1/members')).find((member) => member.id === id);

/** Somebody at the provider, whom the directory knows by the same id. */
const somebody = async (input: object = {}) => {
  const externalId = unique('oid');
  const user = await scimUser(directory, { externalId, ...input });
  return { user, externalId, token: await issuer.token('known', { sub: unique('sub'), oid: externalId }) };
};

const ask = (token: string, path = '/v1/tenant'): Promise<Answer<ProblemBody>> =>
  askWith(token, { tenant: tenant.tenantId, path });

const refused = (token: string) =>
  eventually(
    () => ask(token),
    ({ status }) => status === 401,
    60,
  );

describe('a login', () => {
  it('is that of the user whose attribute the claim has, with the role of the directory', async () => {
    const { user, token, externalId } = await somebody();
    await scimGroup(directory, { displayName: 'Marketing', members: [{ value: user.id }] });
    expect((await ask(token)).status).toBe(200);
    expect(await memberOf(user.id)).toMatchObject({
      status: 'active',
      role: 'editor',
      identity: { provider: provider.id },
    });
    // The user is somebody now: another subject with the same claim is nobody.
    expect((await ask(await issuer.token('known', { sub: unique('sub'), oid: externalId }))).status).toBe(401);
  });

  it('is that of one member when many come at once', async () => {
    const { user, token } = await somebody();
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask(token)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const joined = await tenant.get<{ data: object[] }>(`/v1/audit-events?action=member.joined&target=${user.id}`);
    expect(joined.body.data).toHaveLength(1);
  });

  it('is made out by userName where the provider says so, in any case', async () => {
    const own = await newTenant();
    await map({}, 'analyst', own);
    await register(own, { issuer: issuer.issuer, directory: { claim: 'preferred_username', attribute: 'userName' } });
    const user = await scimUser(own, { userName: 'Ada@Example.com' });
    const token = await issuer.token('known', { sub: unique('sub'), preferred_username: 'ada@example.COM' });
    expect((await askWith(token, { tenant: own.tenantId })).status).toBe(200);
    expect(await memberOf(user.id, own)).toMatchObject({ status: 'active', role: 'analyst' });
    for (const preferred_username of [['ada@example.com', 'x'], '', undefined, { a: 1 }]) {
      const other = await issuer.token('known', { sub: unique('sub'), preferred_username });
      expect((await askWith(other, { tenant: own.tenantId })).status).toBe(401);
    }
  });

  it('is let in by the address, too, where the provider vouches for it', async () => {
    const { user } = await somebody({ userName: someEmail() });
    const token = await issuer.token('known', { sub: unique('sub'), email: user.userName, email_verified: true });
    expect((await ask(token)).status).toBe(200);
    expect(await memberOf(user.id)).toMatchObject({ status: 'active', email: user.userName });
  });

  it('is not let in by the role mapping while the directory says no', async () => {
    const { token } = await somebody({ active: false });
    expect((await ask(token)).status).toBe(401);
    const { user } = await somebody({ active: false, userName: someEmail() });
    const byAddress = await issuer.token('known', { sub: unique('sub'), email: user.userName, email_verified: true });
    expect((await ask(byAddress)).status).toBe(401);
    // Whom the directory does not know comes by the mapping as before.
    expect((await ask(await issuer.token('known', { sub: unique('sub') }))).status).toBe(200);
  });
});

describe('access', () => {
  it.each([
    ['PATCH', patch({ op: 'Replace', path: 'active', value: 'False' })],
    ['DELETE', undefined],
  ])(
    'ends within a minute of the directory saying so: %s',
    async (method, body) => {
      const { user, token } = await somebody();
      expect((await ask(token)).status).toBe(200);
      expect((await directory.send(method, `/Users/${user.id}`, body)).status).toBeLessThan(300);
      await refused(token);
    },
    90_000,
  );

  it('comes back as the same member, within the same restrictions', async () => {
    const { user, token } = await somebody();
    expect((await ask(token)).status).toBe(200);
    const path = `/v1/members/${user.id}`;
    await tenant.patch(path, { role: 'editor', restrictions: { tags: ['press'] } });
    await directory.send('PATCH', `/Users/${user.id}`, patch({ op: 'replace', value: { active: false } }));
    await refused(token);
    const before = await memberOf(user.id);
    await directory.send('PATCH', `/Users/${user.id}`, patch({ op: 'replace', value: { active: true } }));
    await eventually(() => ask(token), ({ status }) => status === 200, 60); // prettier-ignore
    expect(await memberOf(user.id)).toMatchObject({
      status: 'active',
      role: 'editor',
      restrictions: { tags: ['press'] },
      identity: before?.identity,
    });
  }, 150_000);

  it('comes back within the same restrictions, too, when a group takes an editor in again', async () => {
    const own = await newTenant();
    const from = await Directory.of(own);
    await map({ press: 'editor' }, null, own);
    const user = await scimUser(from);
    const group = await scimGroup(from, { displayName: 'Press', members: [{ value: user.id }] });
    await own.patch(`/v1/members/${user.id}`, { restrictions: { tags: ['press'] } });
    const change = (operation: object) => from.send('PATCH', `/Groups/${group.id}`, patch(operation));

    await change({ op: 'remove', path: 'members' });
    expect(await memberOf(user.id, own)).toMatchObject({ role: 'editor', status: 'deactivated' });
    await change({ op: 'add', path: 'members', value: [{ value: user.id }] });
    expect(await memberOf(user.id, own)).toMatchObject({
      role: 'editor',
      status: 'invited',
      restrictions: { tags: ['press'] },
    });
  });

  it('stays ended for who was removed here, until the directory lets them in anew', async () => {
    const { user, token } = await somebody();
    expect((await ask(token)).status).toBe(200);
    expect((await tenant.delete(`/v1/members/${user.id}`)).status).toBe(204);
    await directory.send('PUT', `/Users/${user.id}`, { ...user, title: 'Still there' });
    await scimGroup(directory, { members: [{ value: user.id }] });
    expect(await memberOf(user.id)).toBeUndefined();
    for (const active of [false, true]) {
      await directory.send('PATCH', `/Users/${user.id}`, patch({ op: 'replace', value: { active } }));
    }
    expect(await memberOf(user.id)).toMatchObject({ status: 'invited' });
  });
});

describe('roles', () => {
  const roleOf = async (id: string): Promise<string> => {
    const member = await memberOf(id);
    return `${member?.role} ${member?.status}`;
  };

  it('are the highest of what the groups give, and the default in none of them', async () => {
    await map({ one: 'analyst', two: 'admin' }, null);
    const user = await scimUser(directory);
    expect(await roleOf(user.id)).toBe('viewer deactivated');
    const [one, two] = [
      await scimGroup(directory, { displayName: 'One', members: [{ value: user.id }] }),
      await scimGroup(directory, { displayName: 'Two' }),
    ];
    expect(await roleOf(user.id)).toBe('analyst invited');
    await directory.send(
      'PATCH',
      `/Groups/${two.id}`,
      patch({ op: 'add', path: 'members', value: [{ value: user.id }] }),
    );
    expect(await roleOf(user.id)).toBe('admin invited');
    await map({ one: 'analyst', two: 'viewer' }, null);
    expect(await roleOf(user.id)).toBe('analyst invited');
    await directory.send('DELETE', `/Groups/${one.id}`);
    expect(await roleOf(user.id)).toBe('viewer invited');
    await directory.send('PUT', `/Groups/${two.id}`, { displayName: 'Renamed', members: [{ value: user.id }] });
    expect(await roleOf(user.id)).toBe('viewer deactivated');
    await map({ one: 'analyst' }, 'editor');
    expect(await roleOf(user.id)).toBe('editor invited');
    await map({ Marketing: 'editor', Admins: 'admin' }, 'viewer');
  });

  it('given here are never less than what the directory gives, and may be more', async () => {
    const group = await scimGroup(directory, { displayName: 'Admins' });
    const user = await scimUser(directory);
    await directory.send(
      'PATCH',
      `/Groups/${group.id}`,
      patch({ op: 'add', path: 'members', value: [{ value: user.id }] }),
    );
    const path = `/v1/members/${user.id}`;
    expect(await tenant.patch(path, { role: 'viewer' })).toBeProblem(409, 'role_from_directory');
    expect((await tenant.patch<MemberBody>(path, { role: 'owner' })).body).toMatchObject({
      role: 'owner',
      directory: { role: 'admin' },
    });
    await directory.send('PATCH', `/Groups/${group.id}`, patch({ op: 'remove', path: 'members' }));
    expect(await memberOf(user.id)).toMatchObject({ role: 'owner', directory: { role: 'viewer' } });
  });

  it('can not be mapped to by who may do less', async () => {
    const admin = await tenant.post<{ apiKey: string }>('/v1/api-keys', {
      name: 'x',
      scopes: ['identity-providers:read', 'identity-providers:write'],
    });
    const answer = await new Caller(admin.body.apiKey).ask('PUT', '/v1/provisioning', {
      body: { groupRoles: { a: 'viewer' } },
    });
    expect(answer).toBeProblem(403, 'role_above_yours');
  });
});

describe('the name of a member', () => {
  it('is cut between characters, not within one', async () => {
    const long = 'a'.repeat(199);
    const user = await scimUser(directory, { displayName: `${long}😀b` });
    expect((await memberOf(user.id))?.name).toBe(`${long}😀`);
  });
});

describe('members who were there before the directory', () => {
  it('are the same persons by their address, and keep the role that they had', async () => {
    const owner = await invite(tenant, { role: 'owner', name: 'Ada' });
    const user = await scimUser(directory, {
      userName: unique('login'),
      emails: [{ type: 'work', value: owner.email?.toUpperCase() }],
    });
    expect(user.id).toBe(owner.id);
    expect(await memberOf(owner.id)).toMatchObject({
      role: 'owner',
      status: 'invited',
      email: owner.email,
      directory: { role: 'viewer' },
    });
    const events = await tenant.get<{ data: object[] }>(
      `/v1/audit-events?target=${owner.id}&action=member.provisioned`,
    );
    expect(events.body.data).toMatchObject([{ before: { directory: null }, after: { directory: { active: true } } }]);
    // Another user can not be the same member.
    const again = await directory.send<ErrorBody>('POST', '/Users', {
      userName: unique('login'),
      emails: [{ value: owner.email }],
    });
    expect(again).toMatchObject({ status: 409, body: { scimType: 'uniqueness', code: 'email_taken' } });
  });

  it('are neither deactivated nor deleted when they are the last owner', async () => {
    const own = await newTenant();
    const from = await Directory.of(own);
    const { email, id } = await invite(own, { role: 'owner' });
    await scimUser(from, { userName: email });
    for (const [method, body] of [
      ['PATCH', patch({ op: 'replace', value: { active: false } })],
      ['DELETE', undefined],
    ] as const) {
      // prettier-ignore
      const answer = await from.send<ErrorBody>(method, `/Users/${id}`, body);
      expect(answer).toMatchObject({ status: 409, body: { code: 'last_owner' } });
    }
    expect((await from.send('GET', `/Users/${id}`)).body.active).toBe(true);
    await invite(own, { role: 'owner' });
    expect((await from.send('DELETE', `/Users/${id}`)).status).toBe(204);
    expect(await memberOf(id, own)).toBeUndefined();
  });
});

describe('owners whom the directory makes', () => {
  it('are exchanged at once, and the last of them stays', async () => {
    const own = await newTenant();
    const from = await Directory.of(own);
    const [ada, grace] = [await scimUser(from), await scimUser(from)];
    await scimGroup(from, { displayName: 'One', members: [{ value: ada.id }] });
    await scimGroup(from, { displayName: 'Two', members: [{ value: grace.id }] });
    await map({ one: 'owner', two: 'viewer' }, null, own);
    await map({ one: 'viewer', two: 'owner' }, null, own);
    expect([(await memberOf(ada.id, own))?.role, (await memberOf(grace.id, own))?.role]).toEqual(['viewer', 'owner']);
    const none = await own.ask('PUT', '/v1/provisioning', { body: { groupRoles: { one: 'viewer' } } });
    expect(none).toBeProblem(409, 'last_owner');
    expect((await own.get('/v1/provisioning')).body).toEqual({
      groupRoles: { one: 'viewer', two: 'owner' },
      defaultRole: null,
    });
  });
});

describe('the plan', () => {
  it('counts those who have access, and no others', async () => {
    const own = await newTenant();
    const from = await Directory.of(own);
    await map({}, 'viewer', own);
    await operator.patch(`/v1/tenants/${own.tenantId}`, { limits: { members: 1 } });
    const first = await scimUser(from);
    const refusal = await from.send<ErrorBody>('POST', '/Users', { userName: someEmail() });
    expect(refusal).toMatchObject({ status: 402, body: { status: '402', code: 'quota_exceeded' } });
    const second = await scimUser(from, { active: false });
    const on = patch({ op: 'replace', value: { active: true } });
    expect((await from.send('PATCH', `/Users/${second.id}`, on)).status).toBe(402);
    await from.send('PATCH', `/Users/${first.id}`, patch({ op: 'replace', value: { active: false } }));
    expect((await from.send('PATCH', `/Users/${second.id}`, on)).status).toBe(200);
    const { body } = await own.get<{ usage: { members: number } }>('/v1/tenant');
    expect(body.usage.members).toBe(1);
  });

  it('lets a whole group in or nobody', async () => {
    const own = await newTenant();
    const from = await Directory.of(own);
    await map({ staff: 'viewer' }, null, own);
    await operator.patch(`/v1/tenants/${own.tenantId}`, { limits: { members: 2 } });
    const users = [await scimUser(from), await scimUser(from), await scimUser(from)];
    const group = await scimGroup(from, { displayName: 'Staff' });
    const add = (...some: object[]) =>
      from.send<GroupBody>('PATCH', `/Groups/${group.id}`, patch({ op: 'add', path: 'members', value: some }));
    expect((await add(...users.map(({ id }) => ({ value: id })))).status).toBe(402);
    expect((await from.send<GroupBody>('GET', `/Groups/${group.id}`)).body.members).toEqual([]);
    expect((await add(...users.slice(1).map(({ id }) => ({ value: id })))).status).toBe(200);
  });
});
