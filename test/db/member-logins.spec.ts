import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { TypeID } from 'typeid-js';
import { DataSource } from 'typeorm';
import { AuditRecorder } from '../../src/audit/audit.recorder.js';
import { AuditRepository } from '../../src/audit/audit.repository.js';
import { memberContext } from '../../src/identity/member-context.js';
import type { MemberEntity } from '../../src/identity/member.entity.js';
import { MembersReader, type Person } from '../../src/identity/members.reader.js';
import { MembersRepository } from '../../src/identity/members.repository.js';
import { systemContext } from '../../src/platform/context/system-context.js';
import { Transactions } from '../../src/platform/database/transactions.js';
import { Config, readSettings } from '../../src/platform/config/config.js';
import { PlansRepository } from '../../src/plans/plans.repository.js';
import { QuotasRecorder } from '../../src/plans/quotas.recorder.js';
import { newId, toPublicId } from '../../src/platform/ids.js';
import { Secrets } from '../../src/platform/secrets/secrets.js';
import { createLogger } from '../../src/platform/telemetry/logger.js';
import { APP_ENTITIES } from '../../src/roles/entities.js';
import { databaseUrl } from '../support/database.js';
import { invite, type MemberBody, someEmail } from '../support/members.js';
import { everything } from '../support/pages.js';
import { eventually, newTenant, operator, type Tenant, unique } from '../support/waypost.js';

const REQUEST = { requestId: 'login', traceparent: 'none', clientAddress: '192.0.2.1' };

let transactions: Transactions;
let reader: MembersReader;
let tenant: Tenant;

beforeAll(async () => {
  const url = await databaseUrl('waypost_app');
  transactions = new Transactions(await new DataSource({ type: 'postgres', url, entities: APP_ENTITIES }).initialize());
  const logger = createLogger('silent', false);
  const given = { databaseUrls: {} as never, secretKey: '', platformKey: '' };
  const quotas = new QuotasRecorder(Config.from(readSettings({}, 'run'), given), new PlansRepository());
  reader = new MembersReader(
    transactions,
    new MembersRepository(),
    new AuditRecorder(new AuditRepository(), new Secrets(randomBytes(32))),
    quotas,
    logger,
  );
});
beforeEach(async () => {
  tenant = await newTenant();
});
afterAll(() => transactions.onApplicationShutdown());

const provider = newId();
const person = (more: Partial<Person> = {}): Person => ({ providerId: provider, subject: unique('s'), ...more });

/** A login to the tenant of this test. */
const login = (who: Person, to = tenant): Promise<MemberEntity | undefined> =>
  transactions.run(systemContext(TypeID.fromString(to.tenantId).toUUID()), (tx) => reader.memberOf(tx, who, REQUEST));

const listed = (): Promise<MemberBody[]> => everything<MemberBody>(tenant, '/v1/members');

describe('a person who logs in', () => {
  it('takes up the invitation of their address, with its role', async () => {
    const invited = await invite(tenant, { role: 'analyst' });
    const ada = person({ email: String(invited.email).toUpperCase(), mappedRole: 'owner' });
    expect(await login(ada)).toMatchObject({ role: 'analyst', status: 'active' });
    expect(await listed()).toEqual([
      {
        ...invited,
        status: 'active',
        identity: { provider: toPublicId('idp', provider), subject: ada.subject },
        lastSeenAt: expect.any(String),
        updatedAt: expect.any(String),
      },
    ]);
    const [event] = await everything<object>(tenant, `/v1/audit-events?action=member.joined`);
    expect(event).toMatchObject({ actor: invited.id, target: { id: invited.id }, requestId: 'login' });
  });

  it('can not join where the plan has no room for another, and takes up an invitation, which has its place', async () => {
    const { email } = await invite(tenant);
    await operator.patch(`/v1/tenants/${tenant.tenantId}`, { limits: { members: 1 } });
    await expect(login(person({ mappedRole: 'viewer' }))).rejects.toMatchObject({ code: 'quota_exceeded' });
    expect(await login(person({ email: String(email), mappedRole: 'viewer' }))).toMatchObject({ email });
    expect(await listed()).toHaveLength(1);
  });

  it('is known from then on, whatever address and role the provider tells', async () => {
    const { email, id } = await invite(tenant);
    const ada = person({ email: String(email) });
    await login(ada);
    const again = await login({ ...ada, email: someEmail(), mappedRole: 'owner' });
    expect(again).toMatchObject({ email, role: 'viewer' });
    expect((await listed()).map((member) => member.id)).toEqual([id]);
  });

  it('becomes a member where the role mapping gives a role, and is nobody where it gives none', async () => {
    expect(await login(person({ email: someEmail() }))).toBeUndefined();
    expect(await listed()).toEqual([]);
    const ada = person({ email: someEmail(), name: 'Ada', mappedRole: 'editor' });
    expect(await login(ada)).toMatchObject({ name: 'Ada', email: ada.email, role: 'editor', status: 'active' });
    expect(await login(person({ mappedRole: 'viewer' }))).toMatchObject({ email: null });
    expect(await listed()).toHaveLength(2);
  });

  it('is nobody in another tenant', async () => {
    const ada = person({ mappedRole: 'owner' });
    await login(ada);
    expect(await login({ ...ada, mappedRole: undefined }, await newTenant())).toBeUndefined();
  });

  it('does not become another member by having the same address', async () => {
    const { email } = await invite(tenant, { role: 'owner' });
    await login(person({ email: String(email) }));
    for (const stranger of [person(), person({ providerId: newId() })]) {
      expect(await login({ ...stranger, email: String(email) })).toBeUndefined();
      expect(await login({ ...stranger, email: String(email), mappedRole: 'admin' })).toBeUndefined();
    }
    expect(await listed()).toHaveLength(1);
  });

  it('is one member after many first logins at once', async () => {
    const { email, id } = await invite(tenant);
    const invited = person({ email: String(email), mappedRole: 'editor' });
    const mapped = person({ email: someEmail(), mappedRole: 'editor' });
    const seen = await Promise.all(Array.from({ length: 16 }, (_, n) => login(n % 2 ? invited : mapped)));
    expect(seen.every((member) => member !== undefined)).toBe(true);
    expect(new Set(seen.map((member) => member?.id)).size).toBe(2);
    expect((await listed()).map((member) => member.id)).toContain(id);
    expect(await listed()).toHaveLength(2);
  });

  it('is nobody any more once removed', async () => {
    const { email, id } = await invite(tenant);
    const ada = person({ email: String(email) });
    await login(ada);
    await tenant.delete(`/v1/members/${id}`);
    expect(await login(ada)).toBeUndefined();
  });

  it.each(['', 'nobody', 'İ@example.com', '\u0000@example.com'])(
    'is no worse off with the address %j',
    async (email) => {
      expect(await login(person({ email, mappedRole: 'viewer' }))).toMatchObject({ email: null });
    },
  );

  it('is noted as seen, once a minute', async () => {
    const member = await login(person({ mappedRole: 'viewer' }));
    if (!member) throw new Error('No member');
    const seenAt = new Date(Date.now() - 61_000);
    const ctx = memberContext(member, REQUEST);
    await transactions.run(ctx, (tx) => new MembersRepository().update(tx, member.id, { lastSeenAt: seenAt }));
    reader.noteSeen(ctx, { ...member, lastSeenAt: seenAt });
    const [seen] = await eventually(listed, ([first]) => Date.parse(String(first?.lastSeenAt)) > seenAt.getTime());
    reader.noteSeen(ctx, { ...member, lastSeenAt: new Date(String(seen?.lastSeenAt)) });
    expect((await listed())[0]?.lastSeenAt).toBe(seen?.lastSeenAt);
  });
});
