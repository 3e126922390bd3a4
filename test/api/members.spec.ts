import { beforeEach, describe, expect, it } from '@jest/globals';
import { PERMISSIONS_OF, type Role } from '../../src/identity/permissions.js';
import { invite, type MemberBody, someEmail } from '../support/members.js';
import { everything } from '../support/pages.js';
import { Caller, newTenant, type PageBody, type ProblemBody, type Tenant, unique } from '../support/waypost.js';

let tenant: Tenant;
beforeEach(async () => {
  tenant = await newTenant();
});

/** Who may do what a role may, and nothing else. */
async function actingAs(role: Role): Promise<Caller> {
  const { body } = await tenant.post<{ apiKey: string }>('/v1/api-keys', {
    name: role,
    scopes: PERMISSIONS_OF[role],
  });
  return new Caller(body.apiKey);
}
const list = (): Promise<MemberBody[]> => everything<MemberBody>(tenant, '/v1/members?limit=2');

describe('members', () => {
  it('are invited, and listed in that order', async () => {
    const email = someEmail();
    const first = await invite(tenant, { email: `  ${email.toUpperCase()} `, role: 'admin', name: ' Ada ' });
    expect(first).toEqual({
      id: expect.stringMatching(/^mem_/),
      name: 'Ada',
      email,
      role: 'admin',
      status: 'invited',
      directory: null,
      identity: null,
      restrictions: null,
      lastSeenAt: null,
      createdBy: expect.stringMatching(/^key_/),
      createdAt: expect.any(String),
      updatedAt: first.createdAt,
    });
    const rest = [await invite(tenant), await invite(tenant)];
    expect(await list()).toEqual([first, ...rest]);
    expect((await (await newTenant()).get<PageBody<MemberBody>>('/v1/members')).body.data).toEqual([]);
  });

  it('have an address of their own in the tenant, in any case', async () => {
    const { email } = await invite(tenant);
    const again = await tenant.post('/v1/members', { email: String(email).toUpperCase(), role: 'owner' });
    expect(again).toBeProblem(409, 'email_taken');
    expect((await invite(await newTenant(), { email })).email).toBe(email);
  });

  it('are invited once by requests with the same Idempotency-Key', async () => {
    const body = { email: someEmail(), role: 'viewer' };
    const key = { 'idempotency-key': unique() };
    const first = await tenant.post<MemberBody>('/v1/members', body, key);
    const second = await tenant.post<MemberBody>('/v1/members', body, key);
    expect(second).toMatchObject({ status: 201, body: first.body, headers: { 'idempotency-replayed': 'true' } });
    expect(await list()).toEqual([first.body]);
  });

  it('get another role and name, and are removed', async () => {
    const member = await invite(tenant, { name: 'Ada' });
    const changed = await tenant.patch<MemberBody>(`/v1/members/${member.id}`, { role: 'analyst', name: null });
    expect(changed).toMatchObject({ status: 200, body: { role: 'analyst', name: null, email: member.email } });
    expect(await tenant.delete(`/v1/members/${member.id}`)).toMatchObject({ status: 204, text: '' });
    expect(await list()).toEqual([]);
    expect(await tenant.delete(`/v1/members/${member.id}`)).toBeProblem(404, 'member_not_found');
    expect(await tenant.patch(`/v1/members/${member.id}`, {})).toBeProblem(404, 'member_not_found');
  });

  it('leave a trail of who let them in, changed and removed them', async () => {
    const member = await invite(tenant);
    await tenant.patch(`/v1/members/${member.id}`, { role: 'admin' });
    await tenant.delete(`/v1/members/${member.id}`);
    const events = await everything<{ action: string; before: unknown; after: unknown }>(
      tenant,
      `/v1/audit-events?target=${member.id}`,
    );
    expect(events.map(({ action }) => action)).toEqual(['member.removed', 'member.updated', 'member.invited']);
    expect(events[2]).toMatchObject({ before: null, after: member });
    expect(events[1]).toMatchObject({ before: { role: 'viewer' }, after: { role: 'admin' } });
    expect(events[0]).toMatchObject({ before: { role: 'admin' }, after: null });
  });

  it.each([
    [{ role: 'viewer' }, '/email'],
    [{ email: 'nobody', role: 'viewer' }, '/email'],
    [{ email: `${'x'.repeat(250)}@a.example`, role: 'viewer' }, '/email'],
    [{ email: 'a@b.example' }, '/role'],
    [{ email: 'a@b.example', role: 'king' }, '/role'],
    [{ email: 'a@b.example', role: 'viewer', name: '' }, '/name'],
    [{ email: 'a@b.example', role: 'viewer', status: 'active' }, '/status'],
    [{ email: 'a@b.example', role: 'editor', restrictions: {} }, '/restrictions'],
    [{ email: 'a@b.example', role: 'editor', restrictions: { tags: [] } }, '/restrictions/tags'],
    [{ email: 'a@b.example', role: 'editor', restrictions: { domains: ['x'] } }, '/restrictions/domains/0'],
    [{ email: 'a@b.example', role: 'admin', restrictions: { tags: ['x'] } }, '/restrictions'],
  ])('are checked: %j', async (body, pointer) => {
    const answer = await tenant.post<ProblemBody>('/v1/members', body);
    expect(answer).toBeProblem(422, 'invalid_input');
    expect(answer.body.errors?.[0]?.pointer).toBe(pointer);
  });
});

describe('restrictions', () => {
  it('are for editors, to domains of the tenant and to tags', async () => {
    const restrictions = { domains: [tenant.domainId], tags: ['press'] };
    const editor = await invite(tenant, { role: 'editor', restrictions });
    expect(editor.restrictions).toEqual(restrictions);
    const path = `/v1/members/${editor.id}`;
    const promoted = await tenant.patch<ProblemBody>(path, { role: 'admin' });
    expect(promoted.body.errors?.[0]?.code).toBe('only_for_editors');
    const freed = await tenant.patch<MemberBody>(path, { role: 'admin', restrictions: null });
    expect(freed.body).toMatchObject({ role: 'admin', restrictions: null });
  });

  it("can not name another tenant's domain", async () => {
    const { domainId } = await newTenant();
    const answer = await tenant.post<ProblemBody>('/v1/members', {
      email: someEmail(),
      role: 'editor',
      restrictions: { domains: [tenant.domainId, domainId] },
    });
    expect(answer).toBeProblem(422, 'invalid_input');
    expect(answer.body.errors).toEqual([
      { pointer: '/restrictions/domains/1', code: 'unknown_domain', message: expect.any(String) },
    ]);
  });
});

describe('roles', () => {
  it('above their own are neither given nor taken by anybody', async () => {
    const [owner, viewer] = [await invite(tenant, { role: 'owner' }), await invite(tenant)];
    await invite(tenant, { role: 'owner' });
    const admin = await actingAs('admin');
    for (const answer of [
      await admin.post('/v1/members', { email: someEmail(), role: 'owner' }),
      await admin.patch(`/v1/members/${viewer.id}`, { role: 'owner' }),
      await admin.patch(`/v1/members/${owner.id}`, { role: 'viewer' }),
      await admin.patch(`/v1/members/${owner.id}`, { name: 'Mine' }),
      await admin.delete(`/v1/members/${owner.id}`),
    ]) {
      expect(answer).toBeProblem(403, 'role_above_yours');
    }
    expect((await admin.patch<MemberBody>(`/v1/members/${viewer.id}`, { role: 'admin' })).body.role).toBe('admin');
  });

  it.each(['editor', 'analyst', 'viewer'] as const)('of %s let nobody in', async (role) => {
    const caller = await actingAs(role);
    expect(await caller.post('/v1/members', { email: someEmail(), role: 'viewer' })).toBeProblem(403, 'forbidden');
    expect(await caller.get('/v1/members')).toBeProblem(403, 'forbidden');
  });
});

describe('the last owner', () => {
  it('can be neither removed nor given another role', async () => {
    const first = await invite(tenant, { role: 'owner' });
    const path = `/v1/members/${first.id}`;
    expect(await tenant.delete(path)).toBeProblem(409, 'last_owner');
    expect(await tenant.patch(path, { role: 'admin' })).toBeProblem(409, 'last_owner');
    expect((await tenant.patch(path, { name: 'Ada' })).status).toBe(200);

    await invite(tenant, { role: 'owner' });
    expect((await tenant.delete(path)).status).toBe(204);
  });

  it('is left over when all owners are removed or demoted at once', async () => {
    for (let round = 0; round < 5; round++) {
      tenant = await newTenant();
      const owners = await Promise.all([1, 2, 3, 4].map(() => invite(tenant, { role: 'owner' })));
      const answers = await Promise.all(
        owners.map(({ id }, index) =>
          index % 2 === 0 ? tenant.delete(`/v1/members/${id}`) : tenant.patch(`/v1/members/${id}`, { role: 'admin' }),
        ),
      );
      expect(answers.filter(({ status }) => status === 409)).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 200 || status === 204)).toHaveLength(3);
      expect((await list()).filter(({ role }) => role === 'owner')).toHaveLength(1);
    }
  });
});
