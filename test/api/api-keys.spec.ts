import { beforeAll, describe, expect, it } from '@jest/globals';
import { asRole } from '../support/database.js';
import { everything } from '../support/pages.js';
import { Caller, eventually, newTenant, type ProblemBody, type Tenant, unique } from '../support/waypost.js';

interface KeyBody {
  id: string;
  name: string;
  hint: string;
  scopes: string[];
  expiresAt: string | null;
  lastUsedAt: string | null;
  createdBy: string;
  createdAt: string;
  apiKey?: string;
}

const KEY_FIELDS = ['createdAt', 'createdBy', 'expiresAt', 'hint', 'id', 'lastUsedAt', 'name', 'scopes'];
const SCOPES = [
  'links:read', 'links:write', 'domains:read', 'domains:write', 'analytics:read', 'audit:read', 'api-keys:read',
  'api-keys:write', 'tenant:read', 'tenant:write',
]; // prettier-ignore

let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

/** A new key of the tenant, and a caller who has it. */
async function newKey(
  input: Record<string, unknown> = {},
  by: Caller = tenant,
): Promise<{ key: KeyBody; caller: Caller }> {
  const { status, body } = await by.post<KeyBody>('/v1/api-keys', { name: unique(), ...input });
  expect(status).toBe(201);
  return { key: body, caller: new Caller(String(body.apiKey)) };
}
const listed = async (id: string): Promise<KeyBody | undefined> =>
  (await everything<KeyBody>(tenant, '/v1/api-keys?limit=3')).find((key) => key.id === id);

describe('API keys', () => {
  it('are shown once: listed without their secret, and stored as a hash', async () => {
    const { key } = await newKey({ name: 'Importer' });
    expect(Object.keys(key).sort()).toEqual(['apiKey', ...KEY_FIELDS]);
    expect(key).toMatchObject({
      id: expect.stringMatching(/^key_/),
      name: 'Importer',
      hint: key.apiKey?.slice(-4),
      expiresAt: null,
      lastUsedAt: null,
      createdBy: expect.stringMatching(/^key_/),
    });
    expect([...key.scopes].sort()).toEqual([...SCOPES].sort());

    const { apiKey, ...shown } = key;
    expect(await listed(key.id)).toEqual(shown);
    const secret = String(apiKey).slice(25, 57);
    const { rows } = await asRole('postgres', (client) =>
      client.query<{ row: string }>('SELECT k::text AS row FROM api_keys k WHERE name = $1', ['Importer']),
    );
    expect(rows).toHaveLength(1);
    expect(rows[0]?.row).not.toContain(secret);
  });

  it('remember when they were last used', async () => {
    const { key, caller } = await newKey();
    expect((await listed(key.id))?.lastUsedAt).toBeNull();
    await caller.get('/v1/tenant');
    const used = await eventually(
      () => listed(key.id),
      (seen) => typeof seen?.lastUsedAt === 'string',
      5,
    );
    expect(Math.abs(Date.now() - Date.parse(String(used?.lastUsedAt)))).toBeLessThan(10_000);
  });

  it('end when they are revoked, at once', async () => {
    const { key, caller } = await newKey();
    expect((await caller.get('/v1/tenant')).status).toBe(200);
    expect(await tenant.delete(`/v1/api-keys/${key.id}`)).toMatchObject({ status: 204, text: '' });
    expect(await caller.get('/v1/tenant')).toBeProblem(401, 'unauthenticated');
    expect(await tenant.delete(`/v1/api-keys/${key.id}`)).toBeProblem(404, 'api_key_not_found');
    expect(await listed(key.id)).toBeUndefined();
  });

  it('may revoke themselves', async () => {
    const { key, caller } = await newKey();
    expect((await caller.delete(`/v1/api-keys/${key.id}`)).status).toBe(204);
    expect(await caller.get('/v1/tenant')).toBeProblem(401, 'unauthenticated');
  });

  it('end when they expire', async () => {
    const expiresAt = new Date(Date.now() + 1_500).toISOString();
    const { key, caller } = await newKey({ expiresAt });
    expect(key.expiresAt).toBe(expiresAt);
    expect((await caller.get('/v1/tenant')).status).toBe(200);
    const ended = await eventually(
      () => caller.get('/v1/tenant'),
      ({ status }) => status !== 200,
      5,
    );
    expect(ended).toBeProblem(401, 'unauthenticated');
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt));
  });
});

describe('scopes', () => {
  const id = '01h455vb4pex5vsknk084sn02q';
  const calls: Array<[string, string, string]> = [
    ['links:read', 'GET', '/v1/links'],
    ['links:read', 'GET', `/v1/links/link_${id}`],
    ['links:read', 'GET', '/v1/links/info?domain=a.example&key=a'],
    ['links:write', 'POST', '/v1/links'],
    ['links:write', 'POST', '/v1/shorten'],
    ['links:write', 'PATCH', `/v1/links/link_${id}`],
    ['links:write', 'DELETE', `/v1/links/link_${id}`],
    ['domains:read', 'GET', '/v1/domains'],
    ['domains:read', 'GET', `/v1/domains/dom_${id}`],
    ['domains:write', 'POST', '/v1/domains'],
    ['domains:write', 'PATCH', `/v1/domains/dom_${id}`],
    ['domains:write', 'POST', `/v1/domains/dom_${id}/verify`],
    ['domains:write', 'DELETE', `/v1/domains/dom_${id}`],
    ['analytics:read', 'GET', '/v1/analytics'],
    ['audit:read', 'GET', '/v1/audit-events'],
    ['api-keys:read', 'GET', '/v1/api-keys'],
    ['api-keys:write', 'POST', '/v1/api-keys'],
    ['api-keys:write', 'DELETE', `/v1/api-keys/key_${id}`],
    ['tenant:read', 'GET', '/v1/tenant'],
    ['tenant:write', 'PATCH', '/v1/tenant'],
  ];

  it.each(calls)('%s is what it takes to %s %s', async (scope, method, path) => {
    const body = method === 'POST' || method === 'PATCH' ? { body: {} } : {};
    const { caller: without } = await newKey({ scopes: SCOPES.filter((other) => other !== scope) });
    const { caller: alone } = await newKey({ scopes: [scope] });
    expect(await without.ask(method, path, body)).toBeProblem(403, 'forbidden');
    expect([200, 404, 422]).toContain((await alone.ask(method, path, body)).status);
  });

  it('can not be given by who does not have them', async () => {
    const { caller } = await newKey({ scopes: ['api-keys:write', 'links:read'] });
    const excess = await caller.post('/v1/api-keys', { name: 'More', scopes: ['links:read', 'links:write'] });
    expect(excess).toBeProblem(403, 'scopes_exceed_yours');
    const { key } = await newKey({}, caller);
    expect([...key.scopes].sort()).toEqual(['api-keys:write', 'links:read']);
    const { key: twice } = await newKey({ scopes: ['links:read', 'links:read'] }, caller);
    expect(twice.scopes).toEqual(['links:read']);
  });

  it.each([
    [{}, '/name'],
    [{ name: ' ' }, '/name'],
    [{ name: 'x'.repeat(101) }, '/name'],
    [{ name: 'A', scopes: [] }, '/scopes'],
    [{ name: 'A', scopes: ['links:fly'] }, '/scopes/0'],
    [{ name: 'A', scopes: ['tenants:write'] }, '/scopes/0'],
    [{ name: 'A', scopes: 'links:read' }, '/scopes'],
    [{ name: 'A', expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'],
    [{ name: 'A', expiresAt: 'tomorrow' }, '/expiresAt'],
    [{ name: 'A', apiKey: 'wp_mine' }, '/apiKey'],
  ])('and names are checked: %j', async (body, pointer) => {
    const answer = await tenant.post<ProblemBody>('/v1/api-keys', body);
    expect(answer).toBeProblem(422, 'invalid_input');
    expect(answer.body.errors?.[0]?.pointer).toBe(pointer);
  });
});
