import { describe, expect, it } from '@jest/globals';
import { asRole } from '../support/database.js';
import { type DomainBody, newDomain } from '../support/domains.js';
import { invite, type MemberBody, someEmail } from '../support/members.js';
import { everything } from '../support/pages.js';
import {
  type Answer,
  type LinkBody,
  localHostname,
  newTenant,
  operator,
  type ProblemBody,
  type Tenant,
  unique,
} from '../support/waypost.js';

interface Limits {
  linksPerMonth: number | null;
  domains: number | null;
  members: number | null;
  requestsPerMinute: number | null;
}
interface OwnTenant {
  plan: string;
  limits: Limits;
  usage: { links: number; linksResetAt: string; domains: number; members: number };
}
type Refusal = ProblemBody & { quota: { name: string; limit: number; used: number; resetsAt: string | null } };

const url = 'https://example.com/';
const NONE: Limits = { linksPerMonth: null, domains: null, members: null, requestsPerMinute: null };

async function limited(limits: Partial<Limits>): Promise<Tenant> {
  const tenant = await newTenant();
  const { status } = await operator.patch(`/v1/tenants/${tenant.tenantId}`, { limits });
  expect(status).toBe(200);
  return tenant;
}

const own = async (tenant: Tenant): Promise<OwnTenant> => (await tenant.get<OwnTenant>('/v1/tenant')).body;
const count = async (tenant: Tenant, path: string): Promise<number> => (await everything(tenant, path)).length;
const statuses = (answers: Array<Answer<unknown>>): Record<number, number> => {
  const seen: Record<number, number> = {};
  for (const { status } of answers) seen[status] = (seen[status] ?? 0) + 1;
  return seen;
};
const nextMonth = (): string => {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1)).toISOString();
};

describe('a plan', () => {
  it('is set by operators, part by part, and seen by the tenant with what it uses', async () => {
    const slug = unique();
    const given = { name: slug, slug, plan: 'Team', limits: { linksPerMonth: 5 } };
    const created = await operator.post<OwnTenant & { id: string; apiKey: string }>('/v1/tenants', given);
    expect(created.body).toMatchObject({ plan: 'Team', limits: { ...NONE, linksPerMonth: 5 } });
    const path = `/v1/tenants/${created.body.id}`;
    const changed = await operator.patch<OwnTenant>(path, { plan: 'Large', limits: { domains: 3, members: 9 } });
    expect(changed.body).toMatchObject({
      plan: 'Large',
      limits: { ...NONE, linksPerMonth: 5, domains: 3, members: 9 },
    });
    const without = await operator.patch<OwnTenant>(path, { limits: { linksPerMonth: null } });
    expect(without.body.limits).toEqual({ ...NONE, domains: 3, members: 9 });
  });

  it('can not be changed by the tenant itself', async () => {
    const tenant = await limited({ linksPerMonth: 1 });
    for (const change of [{ limits: NONE }, { plan: 'Large' }]) {
      expect(await tenant.patch('/v1/tenant', change)).toBeProblem(422, 'invalid_input');
    }
  });

  it.each([{ linksPerMonth: -1 }, { domains: 1.5 }, { members: '7' }, { requestsPerMinute: 0 }, { links: 3 }])(
    'can not have the limits %j',
    async (limits) => {
      const { tenantId } = await newTenant();
      expect(await operator.patch(`/v1/tenants/${tenantId}`, { limits })).toBeProblem(422, 'invalid_input');
    },
  );

  it('stands in the audit trail with what it was before', async () => {
    const tenant = await limited({ linksPerMonth: 7 });
    const [event] = await everything<{ actor: string; before: OwnTenant; after: OwnTenant }>(
      tenant,
      '/v1/audit-events?action=tenant.updated',
    );
    expect(event?.actor).toBe('platform');
    expect([event?.before.limits.linksPerMonth, event?.after.limits.linksPerMonth]).toEqual([null, 7]);
  });
});

describe('links a month', () => {
  it('are never more than the plan has, however many create them at once', async () => {
    const [limit, askers] = [10, 40];
    const tenant = await limited({ linksPerMonth: limit });
    const answers = await Promise.all(
      Array.from({ length: askers }, (_, n) => tenant.post<Refusal>(n % 2 ? '/v1/links' : '/v1/shorten', { url })),
    );
    expect(statuses(answers)).toEqual({ 201: limit, 402: askers - limit });
    const refusal = answers.find(({ status }) => status === 402);
    expect(refusal).toBeProblem(402, 'quota_exceeded');
    expect(refusal?.body.quota).toEqual({ name: 'linksPerMonth', limit, used: limit, resetsAt: nextMonth() });
    expect(refusal?.body.detail).toContain(nextMonth());
    expect(await count(tenant, '/v1/links')).toBe(limit);
    expect((await own(tenant)).usage).toEqual({ links: limit, linksResetAt: nextMonth(), domains: 1, members: 0 });
    const events = await everything(tenant, '/v1/audit-events?action=link.created');
    expect(events).toHaveLength(limit);
  });

  it('do not count what failed, nor an answer that is given again', async () => {
    const tenant = await limited({ linksPerMonth: 3 });
    await tenant.link({ key: 'taken' });
    for (const body of [{ url, key: 'taken' }, { url: 'no' }, { url, domain: 'not.ours.example' }]) {
      expect((await tenant.post('/v1/links', body)).status).toBeGreaterThanOrEqual(409);
    }
    for (let n = 0; n < 3; n++) {
      expect((await tenant.post('/v1/links', { url }, { 'idempotency-key': 'same' })).status).toBe(201);
    }
    expect((await own(tenant)).usage.links).toBe(2);
    expect((await tenant.post('/v1/links', { url })).status).toBe(201);
    // A key that met the limit may be tried again.
    const again = { 'idempotency-key': 'later' };
    expect(await tenant.post('/v1/links', { url }, again)).toBeProblem(402, 'quota_exceeded');
    await operator.patch(`/v1/tenants/${tenant.tenantId}`, { limits: { linksPerMonth: 4 } });
    expect((await tenant.post('/v1/links', { url }, again)).status).toBe(201);
  });

  it('count what is deleted: a month has so many, not so many at a time', async () => {
    const tenant = await limited({ linksPerMonth: 2 });
    for (let n = 0; n < 2; n++) {
      const { id } = await tenant.link();
      expect((await tenant.delete(`/v1/links/${id}`)).status).toBe(204);
    }
    expect(await tenant.post('/v1/links', { url })).toBeProblem(402, 'quota_exceeded');
  });

  it('count what was created while there was no limit', async () => {
    const tenant = await newTenant();
    await Promise.all(Array.from({ length: 12 }, () => tenant.link()));
    expect((await own(tenant)).usage.links).toBe(12);
    await operator.patch(`/v1/tenants/${tenant.tenantId}`, { limits: { linksPerMonth: 13 } });
    await tenant.link();
    const refused = await tenant.post<Refusal>('/v1/links', { url });
    expect(refused.body.quota).toMatchObject({ limit: 13, used: 13 });
    await operator.patch(`/v1/tenants/${tenant.tenantId}`, { limits: { linksPerMonth: null } });
    await tenant.link();
    expect((await own(tenant)).usage.links).toBe(14);
  });

  it('begin anew with the month', async () => {
    const tenant = await limited({ linksPerMonth: 1 });
    await tenant.link();
    expect(await tenant.post('/v1/links', { url })).toBeProblem(402, 'quota_exceeded');
    await asRole('postgres', (client) =>
      client.query(
        `UPDATE link_usage SET month = month - interval '1 month'
         WHERE tenant_id = (SELECT tenant_id FROM domains WHERE hostname = $1)`,
        [tenant.domain],
      ),
    );
    expect((await own(tenant)).usage.links).toBe(0);
    await tenant.link();
    expect(await tenant.post('/v1/links', { url })).toBeProblem(402, 'quota_exceeded');
  });

  it("leave the other tenants' alone", async () => {
    const [full, other] = [await limited({ linksPerMonth: 0 }), await limited({ linksPerMonth: 1 })];
    expect(await full.post('/v1/links', { url })).toBeProblem(402, 'quota_exceeded');
    const link: LinkBody = await other.link();
    expect(await full.patch(`/v1/links/${link.id}`, { url })).toBeProblem(404, 'link_not_found');
    expect((await other.patch(`/v1/links/${link.id}`, { title: 'Changed' })).status).toBe(200);
  });
});

describe('domains', () => {
  it('are never more than the plan has, however many create them at once, and make room when deleted', async () => {
    const tenant = await limited({ domains: 3 });
    const create = (): Promise<Answer<DomainBody>> => tenant.post('/v1/domains', { hostname: localHostname() });
    const answers = await Promise.all(Array.from({ length: 12 }, create));
    expect(statuses(answers)).toEqual({ 201: 2, 402: 10 });
    expect(await count(tenant, '/v1/domains')).toBe(3);

    const refused = await tenant.post<Refusal>('/v1/domains', { hostname: localHostname() });
    expect(refused).toBeProblem(402, 'quota_exceeded');
    expect(refused.body.quota).toEqual({ name: 'domains', limit: 3, used: 3, resetsAt: null });
    const made = answers.find(({ status }) => status === 201);
    expect((await tenant.delete(`/v1/domains/${made?.body.id}`)).status).toBe(204);
    await newDomain(tenant);
    expect((await own(tenant)).usage.domains).toBe(3);
  });
});

describe('members', () => {
  it('are never more than the plan has, however many are invited at once, and make room when removed', async () => {
    const tenant = await limited({ members: 2 });
    const create = (): Promise<Answer<MemberBody>> =>
      tenant.post('/v1/members', { email: someEmail(), role: 'viewer' });
    const answers = await Promise.all(Array.from({ length: 8 }, create));
    expect(statuses(answers)).toEqual({ 201: 2, 402: 6 });
    const refused = await tenant.post<Refusal>('/v1/members', { email: someEmail(), role: 'viewer' });
    expect(refused).toBeProblem(402, 'quota_exceeded');
    expect(refused.body.quota).toEqual({ name: 'members', limit: 2, used: 2, resetsAt: null });
    expect((await own(tenant)).usage.members).toBe(2);
    const made = answers.find(({ status }) => status === 201);
    expect((await tenant.delete(`/v1/members/${made?.body.id}`)).status).toBe(204);
    await invite(tenant);
  });
});
