import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { TypeID } from 'typeid-js';
import { ApiKeysService } from '../../src/identity/api-keys.service.js';
import { PERMISSIONS_OF } from '../../src/identity/permissions.js';
import { systemContext } from '../../src/platform/context/system-context.js';
import { ApiServices } from '../support/api-services.js';
import { invite } from '../support/members.js';
import { everything } from '../support/pages.js';
import { Caller, newTenant, type Tenant } from '../support/waypost.js';

let services: ApiServices;
beforeAll(async () => {
  services = await ApiServices.open();
});
afterAll(() => services.close());

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
    const tenantId = TypeID.fromString(tenant.tenantId).toUUID();
    const ctx = { ...systemContext(tenantId), actor: member, permissions: new Set(PERMISSIONS_OF.admin) };
    const input = { name: 'Own', expiresAt: null, allowedIpRanges: null };
    own = new Caller((await services.of(ApiKeysService).create(ctx, input))[1]);
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
