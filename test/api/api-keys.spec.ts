import { beforeAll, describe, expect, it } from '@jest/globals';
import { asRole } from '../support/database.js';
import { everything } from '../support/pages.js';
import { Caller, eventually, newTenant, type ProblemBody, type Tenant, unique } from '../support/waypost.js';

interface KeyBody {
  id: string;
  name: string;
  hint: string;
  scopes: string[];
  allowedIpRanges: string[] | null;
  expiresAt: string | null;
  previousSecretExpiresAt: string | null;
  lastUsedAt: string | null;
  createdBy: string;
  createdAt: string;
  apiKey?: string;
}

const KEY_FIELDS = [
  'allowedIpRanges', 'createdAt', 'createdBy', 'expiresAt', 'hint', 'id', 'lastUsedAt', 'name',
  'previousSecretExpiresAt', 'scopes',
]; // prettier-ignore
const SCOPES = [
  'links:read', 'links:write', 'domains:read', 'domains:write', 'analytics:read', 'audit:read', 'api-keys:read',
  'api-keys:write', 'members:read', 'members:write', 'identity-providers:read', 'identity-providers:write',
  'tenant:read', 'tenant:write', 'scim:read', 'scim:write',
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
    expect(Object.keys(key).toSorted()).toEqual(['apiKey', ...KEY_FIELDS].toSorted());
    expect(key).toMatchObject({
      id: expect.stringMatching(/^key_/),
      name: 'Importer',
      hint: key.apiKey?.slice(-4),
      allowedIpRanges: null,
      expiresAt: null,
      previousSecretExpiresAt: null,
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

describe('a key that is bound to addresses', () => {
  it('works from these, whatever form they were given in', async () => {
    const { key, caller } = await newKey({
      allowedIpRanges: ['198.18.0.7/24', '::ffff:192.0.2.7', '192.0.2.7/32', '127.0.0.0/8'],
    });
    expect(key.allowedIpRanges).toEqual(['198.18.0.0/24', '192.0.2.7/32', '127.0.0.0/8']);
    expect((await listed(key.id))?.allowedIpRanges).toEqual(key.allowedIpRanges);
    expect((await caller.get('/v1/tenant')).status).toBe(200);
  });

  it('is no key elsewhere, whatever X-Forwarded-For says, and is not noted as used', async () => {
    const { key, caller } = await newKey({ allowedIpRanges: ['192.0.2.0/24', '::/0'] });
    for (const headers of [{}, { 'x-forwarded-for': '192.0.2.7' }, { forwarded: 'for=192.0.2.7' }]) {
      expect(await caller.get('/v1/tenant', { headers })).toBeProblem(401, 'unauthenticated');
    }
    expect((await listed(key.id))?.lastUsedAt).toBeNull();
  });
});

describe('a key that ends, or is bound to addresses', () => {
  const HOUR = 3_600_000;
  const inHours = (hours: number): string => new Date(Date.now() + hours * HOUR).toISOString();
  const bounds = { expiresAt: inHours(1), allowedIpRanges: ['127.0.0.0/8', '2001:db8::/32'] };

  it('makes keys that are like it where nothing else is said', async () => {
    const { caller } = await newKey(bounds);
    const { key } = await newKey({}, caller);
    expect([key.expiresAt, key.allowedIpRanges]).toEqual([bounds.expiresAt, bounds.allowedIpRanges]);
    expect((await newKey({ expiresAt: null, allowedIpRanges: null }, caller)).key).toMatchObject(bounds);
    const narrower = { expiresAt: inHours(0.5), allowedIpRanges: ['127.0.0.0/9', '2001:db8:1::/48'] };
    expect((await newKey(narrower, caller)).key).toMatchObject(narrower);
  });

  it.each([
    { expiresAt: inHours(2) },
    { allowedIpRanges: ['127.0.0.1', '0.0.0.0/0'] },
    { allowedIpRanges: ['126.0.0.0/7'] },
    { allowedIpRanges: ['2001:db9::/48'] },
    { allowedIpRanges: ['::/0'] },
  ])('makes none that goes beyond it: %j', async (given) => {
    const { caller } = await newKey(bounds);
    const beyond = await caller.post<ProblemBody>('/v1/api-keys', { name: 'Beyond', ...given });
    expect(beyond).toBeProblem(403, 'key_exceeds_yours');
  });

  it('gets hold of no other that goes beyond it, and of itself', async () => {
    const [{ key: wide }, { key, caller }] = [await newKey(), await newKey(bounds)];
    const rotated = (id: string) => caller.post<ProblemBody>(`/v1/api-keys/${id}/rotate`, { overlapSeconds: 60 });
    expect(await rotated(wide.id)).toBeProblem(403, 'key_exceeds_yours');
    expect((await rotated(key.id)).status).toBe(201);
  });
});

describe('a rotated key', () => {
  const rotate = (id: string, overlapSeconds: number, by: Caller = tenant) =>
    by.post<KeyBody & ProblemBody>(`/v1/api-keys/${id}/rotate`, { overlapSeconds });

  it('has a new secret and is the same key; both secrets work until the overlap is over', async () => {
    const { key, caller } = await newKey({ scopes: ['tenant:read'], allowedIpRanges: ['127.0.0.0/8'] });
    const { status, body } = await rotate(key.id, 3);
    expect(status).toBe(201);
    const { apiKey, ...shown } = body;
    const { apiKey: _before, ...kept } = key;
    expect(shown).toEqual({ ...kept, hint: apiKey?.slice(-4), previousSecretExpiresAt: expect.any(String) });
    const rotated = new Caller(String(apiKey));
    expect([(await caller.get('/v1/tenant')).status, (await rotated.get('/v1/tenant')).status]).toEqual([200, 200]);
    const ended = await eventually(
      () => caller.get('/v1/tenant'),
      (answer) => answer.status !== 200,
    );
    expect(ended).toBeProblem(401, 'unauthenticated');
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(String(body.previousSecretExpiresAt)));
    expect((await rotated.get('/v1/tenant')).status).toBe(200);
    expect(await rotated.get('/v1/links')).toBeProblem(403, 'forbidden');
  });

  it('no longer has its old secret when there is no overlap', async () => {
    const { key, caller } = await newKey();
    const { body } = await rotate(key.id, 0);
    expect(body.previousSecretExpiresAt).toBeNull();
    expect(await caller.get('/v1/tenant')).toBeProblem(401, 'unauthenticated');
    expect((await new Caller(String(body.apiKey)).get('/v1/tenant')).status).toBe(200);
  });

  it('has two secrets at most: the last, and the one before', async () => {
    const { key, caller } = await newKey();
    const [second, third] = [await rotate(key.id, 60), await rotate(key.id, 60)];
    const status = async (by: Caller): Promise<number> => (await by.get('/v1/tenant')).status;
    expect(await status(caller)).toBe(401);
    expect(await status(new Caller(String(second.body.apiKey)))).toBe(200);
    expect(await status(new Caller(String(third.body.apiKey)))).toBe(200);
    expect((await tenant.delete(`/v1/api-keys/${key.id}`)).status).toBe(204);
    expect(await status(new Caller(String(second.body.apiKey)))).toBe(401);
    expect(await status(new Caller(String(third.body.apiKey)))).toBe(401);
  });

  it('comes from who may do what it may: a lesser key does not get hold of it', async () => {
    const { key } = await newKey();
    const { caller } = await newKey({ scopes: ['api-keys:write', 'links:read'] });
    expect(await rotate(key.id, 0, caller)).toBeProblem(403, 'scopes_exceed_yours');
    expect(await rotate('key_01h455vb4pex5vsknk084sn02q', 0)).toBeProblem(404, 'api_key_not_found');
  });

  it('may rotate itself, once for requests with the same Idempotency-Key, and leaves a trail without secrets', async () => {
    const { key, caller } = await newKey();
    const headers = { 'idempotency-key': unique() };
    const path = `/v1/api-keys/${key.id}/rotate`;
    const first = await caller.post<KeyBody>(path, { overlapSeconds: 60 }, headers);
    const again = await caller.post<KeyBody>(path, { overlapSeconds: 60 }, headers);
    expect([first.status, again.body]).toEqual([201, first.body]);
    const events = await everything<{ action: string; actor: string; after: KeyBody }>(
      tenant,
      `/v1/audit-events?target=${key.id}`,
    );
    expect(events.map(({ action }) => action)).toEqual(['api_key.rotated', 'api_key.created']);
    expect(events[0]).toMatchObject({ actor: key.id, after: { hint: first.body.hint } });
    expect(JSON.stringify(events)).not.toContain(String(first.body.apiKey).slice(25, 57));
  });

  it.each([{}, { overlapSeconds: -1 }, { overlapSeconds: 1.5 }, { overlapSeconds: 604_801 }, { overlapSeconds: '1' }])(
    'is not rotated by %j',
    async (body) => {
      const { key } = await newKey();
      const answer = await tenant.post<ProblemBody>(`/v1/api-keys/${key.id}/rotate`, body);
      expect(answer).toBeProblem(422, 'invalid_input');
      expect(answer.body.errors?.[0]?.pointer).toBe('/overlapSeconds');
    },
  );
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
    ['api-keys:write', 'POST', `/v1/api-keys/key_${id}/rotate`],
    ['api-keys:write', 'DELETE', `/v1/api-keys/key_${id}`],
    ['members:read', 'GET', '/v1/members'],
    ['members:write', 'POST', '/v1/members'],
    ['members:write', 'PATCH', `/v1/members/mem_${id}`],
    ['members:write', 'DELETE', `/v1/members/mem_${id}`],
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
    [{ name: 'A', allowedIpRanges: [] }, '/allowedIpRanges'],
    [{ name: 'A', allowedIpRanges: ['10.1'] }, '/allowedIpRanges/0'],
    [{ name: 'A', allowedIpRanges: ['127.0.0.1', '10.0.0.0/33'] }, '/allowedIpRanges/1'],
  ])('and names are checked: %j', async (body, pointer) => {
    const answer = await tenant.post<ProblemBody>('/v1/api-keys', body);
    expect(answer).toBeProblem(422, 'invalid_input');
    expect(answer.body.errors?.[0]?.pointer).toBe(pointer);
  });
});
