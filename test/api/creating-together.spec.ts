import { describe, expect, it } from '@jest/globals';
import { TypeID } from 'typeid-js';
import { changes } from '../support/audit.js';
import { asRole } from '../support/database.js';
import { everything } from '../support/pages.js';
import { type Answer, type LinkBody, newTenant, operator, type Tenant, unique } from '../support/waypost.js';

// Links that a tenant's programs create at the same time are created in transactions that they share. That must not show.

const AT_ONCE = 60;
const url = 'https://example.com/';

const create = (tenant: Tenant, body: object, key?: string): Promise<Answer<LinkBody>> =>
  tenant.post<LinkBody>('/v1/links', { url, ...body }, key === undefined ? {} : { 'idempotency-key': key });

const atOnce = <T>(one: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: AT_ONCE }, (_, n) => one(n)));

function statuses(answers: Array<{ status: number }>): Record<number, number> {
  const seen: Record<number, number> = {};
  for (const { status } of answers) seen[status] = (seen[status] ?? 0) + 1;
  return seen;
}

describe('links created at the same time', () => {
  it('share transactions, and each has its own answer, audit event and news', async () => {
    const tenant = await newTenant();
    const answers = await atOnce((n) => create(tenant, { title: `Link ${n}`, tags: [`t${n}`] }, unique()));
    expect(statuses(answers)).toEqual({ 201: AT_ONCE });
    expect(answers.map(({ body }) => [body.title, body.tags])).toEqual(answers.map((_, n) => [`Link ${n}`, [`t${n}`]]));
    const ids = answers.map(({ body }) => body.id).sort();
    expect((await everything<LinkBody>(tenant, '/v1/links')).map(({ id }) => id).sort()).toEqual(ids);
    const events = (await changes(tenant)).filter(({ action }) => action === 'link.created');
    expect(events.map(({ target }) => (target as { id: string }).id).sort()).toEqual(ids);
    // A transaction's rows have its number.
    const tenantId = TypeID.fromString(tenant.tenantId).toUUID();
    const counted = await asRole('postgres', (db) =>
      db.query<{ transactions: number }>(
        'SELECT count(DISTINCT xmin::text)::int AS transactions FROM links WHERE tenant_id = $1',
        [tenantId],
      ),
    );
    expect(counted.rows[0]?.transactions).toBeLessThan(AT_ONCE);
  });

  it('that want one key: the first has it, and who shares a transaction with the others does not mind', async () => {
    const tenant = await newTenant();
    const key = unique();
    const answers = await atOnce((n) => create(tenant, n % 3 === 0 ? { key } : {}, n % 2 ? unique() : undefined));
    expect(statuses(answers)).toEqual({ 201: (AT_ONCE * 2) / 3 + 1, 409: AT_ONCE / 3 - 1 });
    expect(await everything(tenant, '/v1/links')).toHaveLength((AT_ONCE * 2) / 3 + 1);
  });

  it('with one Idempotency-Key are one link', async () => {
    const tenant = await newTenant();
    const same = unique();
    const answers = await atOnce((n) => create(tenant, {}, n % 2 ? same : unique()));
    const repeated = answers.filter((_, n) => n % 2);
    const made = repeated.filter(({ status }) => status === 201);
    expect(new Set(made.map(({ body }) => body.id)).size).toBe(1);
    for (const { status } of repeated) expect([201, 409]).toContain(status);
    expect(await everything(tenant, '/v1/links')).toHaveLength(AT_ONCE / 2 + 1);
  });

  it('are as many as the plan lets', async () => {
    const tenant = await newTenant();
    const limits = { linksPerMonth: AT_ONCE / 2 };
    expect((await operator.patch(`/v1/tenants/${tenant.tenantId}`, { limits })).status).toBe(200);
    expect(statuses(await atOnce(() => create(tenant, {})))).toEqual({ 201: AT_ONCE / 2, 402: AT_ONCE / 2 });
    const { body } = await tenant.get<{ usage: { links: number } }>('/v1/tenant');
    expect(body.usage.links).toBe(AT_ONCE / 2);
  });

  it('are refused each for what is wrong with it', async () => {
    const tenant = await newTenant();
    const externalId = unique();
    const answers = await atOnce((n) =>
      create(
        tenant,
        [
          {},
          { domain: `${unique()}.example` },
          { externalId },
          { startsAt: '2030-01-02T00:00:00Z', expiresAt: '2030-01-01T00:00:00Z' },
        ][n % 4] ?? {},
      ),
    );
    expect(statuses(answers)).toEqual({ 201: AT_ONCE / 4 + 1, 409: AT_ONCE / 4 - 1, 422: AT_ONCE / 2 });
    const codes = answers.map(({ body }) => (body as unknown as { code?: string }).code);
    expect(new Set(codes.filter((_, n) => n % 4 === 2))).toEqual(new Set([undefined, 'external_id_taken']));
  });
});
