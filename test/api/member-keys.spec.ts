import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { TypeID } from 'typeid-js';
import { ActorsReader } from '../../src/identity/actors.reader.js';
import { ApiKeysRecorder } from '../../src/identity/api-keys.recorder.js';
import { ApiKeysService } from '../../src/identity/api-keys.service.js';
import { MembersService } from '../../src/identity/members.service.js';
import { PERMISSIONS_OF } from '../../src/identity/permissions.js';
import type { Context } from '../../src/platform/context/context.js';
import { systemContext } from '../../src/platform/context/system-context.js';
import { Transactions } from '../../src/platform/database/transactions.js';
import { ApiServices } from '../support/api-services.js';
import { invite, someEmail } from '../support/members.js';
import { everything } from '../support/pages.js';
import { Caller, newTenant, type Tenant } from '../support/waypost.js';

let services: ApiServices;
beforeAll(async () => {
  services = await ApiServices.open();
});
afterAll(() => services.close());

const NEW_KEY = { name: 'Own', expiresAt: null, allowedIpRanges: null };

/** What a request of this member, or with this key, goes on with that was let in a moment ago. */
const letIn = (tenant: Tenant, actor: string): Context => ({
  ...systemContext(TypeID.fromString(tenant.tenantId).toUUID()),
  actor,
  permissions: new Set(PERMISSIONS_OF.admin),
});

describe('API keys of a member who is removed', () => {
  let tenant: Tenant;
  let member: string;
  let own: Caller;
  let withOwn: Caller;
  const statuses = async (): Promise<number[]> =>
    [await own.get('/v1/tenant'), await withOwn.get('/v1/tenant'), await tenant.get('/v1/tenant')].map(
      ({ status }) => status,
    );

  beforeEach(async () => {
    tenant = await newTenant();
    member = (await invite(tenant, { role: 'admin' })).id;
    own = new Caller((await services.of(ApiKeysService).create(letIn(tenant, member), NEW_KEY))[1]);
    const { body } = await own.post<{ apiKey: string }>('/v1/api-keys', { name: 'With own' });
    withOwn = new Caller(body.apiKey);
    expect(await statuses()).toEqual([200, 200, 200]);
  });

  it('stay, and can be told by who made them', async () => {
    const made = await everything<{ name: string; scopes: string[] }>(tenant, `/v1/api-keys?createdBy=${member}`);
    expect(made.map(({ name }) => name)).toEqual(['Own']);
    expect(made[0]?.scopes.toSorted()).toEqual([...PERMISSIONS_OF.admin].toSorted());
    expect((await tenant.delete(`/v1/members/${member}`)).status).toBe(204);
    expect(await statuses()).toEqual([200, 200, 200]);
  });

  it('end with the membership when asked to, with those made with them, and no others', async () => {
    expect((await tenant.delete(`/v1/members/${member}?revokeApiKeys=true`)).status).toBe(204);
    expect(await statuses()).toEqual([401, 401, 200]);
    expect(await everything(tenant, '/v1/audit-events?action=api_key.revoked')).toHaveLength(2);
  });

  it('end with it, too, where they are being made at that moment', async () => {
    const ctx = letIn(tenant, member);
    const removed = await services.of(Transactions).run(ctx, async (tx) => {
      await services.of(ActorsReader).holding(tx, ctx, 'api-keys:write');
      const removal = tenant.delete(`/v1/members/${member}?revokeApiKeys=true`);
      await sleep(500);
      await services.of(ApiKeysRecorder).issue(tx, ctx, { name: 'Late' });
      return [removal];
    });
    expect((await removed[0])?.status).toBe(204);
    expect(await everything(tenant, `/v1/api-keys?createdBy=${member}`)).toEqual([]);
  });

  it('are not ended by who may revoke none, who then removes nobody', async () => {
    const { body } = await tenant.post<{ apiKey: string }>('/v1/api-keys', {
      name: 'People',
      scopes: PERMISSIONS_OF.owner.filter((scope) => scope !== 'api-keys:write'),
    });
    const path = `/v1/members/${(await invite(tenant)).id}?revokeApiKeys=true`;
    expect(await new Caller(body.apiKey).delete(path)).toBeProblem(403, 'forbidden');
    expect((await tenant.delete(path)).status).toBe(204);
  });
});

describe('rights', () => {
  let tenant: Tenant;
  beforeEach(async () => {
    tenant = await newTenant();
  });

  it('are given by nobody who was removed after their request was let in', async () => {
    const { id } = await invite(tenant, { role: 'admin' });
    const ctx = letIn(tenant, id);
    expect((await tenant.delete(`/v1/members/${id}`)).status).toBe(204);
    const refused = { code: 'unauthenticated' };
    await expect(services.of(ApiKeysService).create(ctx, NEW_KEY)).rejects.toMatchObject(refused);
    const invited = { email: someEmail(), role: 'admin' as const, name: null, restrictions: null };
    await expect(services.of(MembersService).invite(ctx, invited)).rejects.toMatchObject(refused);
    const other = (await invite(tenant)).id;
    const otherId = TypeID.fromString(other).toUUID();
    const change = services.of(MembersService).update(ctx, otherId, { role: 'admin' });
    await expect(change).rejects.toMatchObject(refused);
  });

  it('are given by a member within the role that they have now', async () => {
    const { id } = await invite(tenant, { role: 'admin' });
    const ctx = letIn(tenant, id);
    await tenant.patch(`/v1/members/${id}`, { role: 'editor' });
    const made = services.of(ApiKeysService).create(ctx, NEW_KEY);
    await expect(made).rejects.toMatchObject({ code: 'forbidden' });
  });

  it('are given with no key that was revoked, whose bounds are gone with it', async () => {
    const { body } = await tenant.post<{ id: string }>('/v1/api-keys', {
      name: 'Bound',
      scopes: PERMISSIONS_OF.admin,
      expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    });
    const ctx = letIn(tenant, body.id);
    await expect(services.of(ApiKeysService).create(ctx, NEW_KEY)).resolves.toBeDefined();
    expect((await tenant.delete(`/v1/api-keys/${body.id}`)).status).toBe(204);
    const made = services.of(ApiKeysService).create(ctx, NEW_KEY);
    await expect(made).rejects.toMatchObject({ code: 'unauthenticated' });
  });
});
