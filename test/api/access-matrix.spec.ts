import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TypeID } from 'typeid-js';
import { newApiKeyText } from '../../src/identity/api-key-text.js';
import { PERMISSIONS_OF, ROLES, type Role } from '../../src/identity/permissions.js';
import { send, told } from '../support/bare-request.js';
import { newDomain } from '../support/domains.js';
import { tampered } from '../support/forging.js';
import { register } from '../support/identity-providers.js';
import { invite } from '../support/members.js';
import { operationsOf, servedDocument } from '../support/openapi.js';
import { scimGroup, scimUser } from '../support/scim.js';
import { seconds, TokenIssuer } from '../support/token-issuer.js';
import { Caller, eventually, newTenant, operator, type Tenant, underTest } from '../support/waypost.js';

/** Ids of what another tenant has. */
type Theirs = Record<'link' | 'domain' | 'key' | 'member' | 'provider' | 'user' | 'group', string>;

interface Expectation {
  /** The least role that may do this, with all above it; or the operators and nobody else. */
  from: Role | 'operator';
  /** What who may gets: for ids of another tenant, and for input that changes nothing. */
  answer: string;
  id?: (theirs: Theirs) => string;
  query?: (theirs: Theirs) => Record<string, string>;
  body?: object;
  headers?: Record<string, string>;
  /** Whether operators may, too. */
  operators?: boolean;
}

const ofLink = { id: ({ link }: Theirs) => link, answer: '404 link_not_found' };
const ofDomain = { id: ({ domain }: Theirs) => domain, answer: '404 domain_not_found' };
const ofKey = { id: ({ key }: Theirs) => key, answer: '404 api_key_not_found' };
const ofMember = { id: ({ member }: Theirs) => member, answer: '404 member_not_found' };
const ofUser = { id: ({ user }: Theirs) => user, answer: '404 user_not_found' };
const ofGroup = { id: ({ group }: Theirs) => group, answer: '404 group_not_found' };
const ofProvider = { id: ({ provider }: Theirs) => provider, answer: '404 identity_provider_not_found' };
// Operators see every tenant, and would change it.
const ofNoTenant = { id: () => 'tnt_01h455vb4pex5vsknk084sn02q', answer: '404 tenant_not_found' };
const ofNoLetter = { id: () => 'dead_01h455vb4pex5vsknk084sn02q', answer: '404 dead_letter_not_found' };
const byLink = { query: ({ link }: Theirs) => ({ linkId: link }), answer: '404 link_not_found' };
const incomplete = { body: {}, answer: '422 invalid_input' };

const switchOff = { Operations: [{ op: 'replace', value: { active: false } }] };

/** One for each operation of the API: a new one fails the test until it has its own. */
const EXPECTED: Record<string, Expectation> = {
  'GET /v1/links': { from: 'viewer', answer: '200' },
  'GET /v1/links/info': {
    from: 'viewer',
    answer: '404 link_not_found',
    query: () => ({ domain: 'a.example', key: 'k' }),
  },
  'GET /v1/links/{id}': { from: 'viewer', ...ofLink },
  'POST /v1/links': { from: 'editor', ...incomplete },
  'POST /v1/shorten': { from: 'editor', ...incomplete },
  'PATCH /v1/links/{id}': { from: 'editor', ...ofLink, body: {} },
  'DELETE /v1/links/{id}': { from: 'editor', ...ofLink },
  'GET /v1/domains': { from: 'viewer', answer: '200' },
  'GET /v1/domains/{id}': { from: 'viewer', ...ofDomain },
  'POST /v1/domains': { from: 'admin', ...incomplete },
  'PATCH /v1/domains/{id}': { from: 'admin', ...ofDomain, body: {} },
  'DELETE /v1/domains/{id}': { from: 'admin', ...ofDomain },
  'POST /v1/domains/{id}/verify': { from: 'admin', ...ofDomain },
  'GET /v1/api-keys': { from: 'admin', answer: '200' },
  'POST /v1/api-keys': { from: 'admin', ...incomplete },
  'POST /v1/api-keys/{id}/rotate': { from: 'admin', ...ofKey, body: { overlapSeconds: 0 } },
  'DELETE /v1/api-keys/{id}': { from: 'admin', ...ofKey },
  'GET /v1/identity-providers': { from: 'admin', answer: '200' },
  'POST /v1/identity-providers': { from: 'owner', ...incomplete },
  'GET /v1/identity-providers/{id}': { from: 'admin', ...ofProvider },
  'PATCH /v1/identity-providers/{id}': { from: 'owner', ...ofProvider, body: {} },
  'DELETE /v1/identity-providers/{id}': { from: 'owner', ...ofProvider },
  'GET /v1/members': { from: 'admin', answer: '200' },
  'POST /v1/members': { from: 'admin', ...incomplete },
  'PATCH /v1/members/{id}': { from: 'admin', ...ofMember, body: {} },
  'DELETE /v1/members/{id}': { from: 'admin', ...ofMember },
  'GET /v1/analytics': { from: 'analyst', ...byLink },
  'GET /v1/analytics/export': { from: 'analyst', ...byLink },
  'GET /v1/analytics/live': { from: 'analyst', ...byLink },
  // Operators have a trail of their own.
  'GET /v1/audit-events': { from: 'admin', operators: true, answer: '200' },
  'GET /v1/audit-events/verify': {
    from: 'admin',
    operators: true,
    answer: '422 invalid_input',
    query: () => ({ fromSequence: 'x' }),
  },
  'GET /v1/audit-events/export': {
    from: 'admin',
    operators: true,
    answer: '422 invalid_input',
    query: () => ({ from: 'x' }),
  },
  'GET /v1/destination-policy': { from: 'viewer', answer: '200' },
  'PUT /v1/destination-policy': { from: 'owner', answer: '422 invalid_input', body: { unknown: true } },
  'GET /v1/ops/destination-policy': { from: 'operator', answer: '200' },
  'PUT /v1/ops/destination-policy': { from: 'operator', answer: '422 invalid_input', body: { unknown: true } },
  'GET /v1/ops/takedowns': { from: 'operator', answer: '200' },
  'POST /v1/ops/takedowns': { from: 'operator', ...incomplete },
  'DELETE /v1/ops/takedowns/{id}': {
    from: 'operator',
    id: () => 'tkd_01h455vb4pex5vsknk084sn02q',
    answer: '404 takedown_not_found',
  },
  'GET /v1/ops/tls/ask': {
    from: 'operator',
    answer: '404 domain_not_found',
    query: () => ({ domain: 'nobodys.example' }),
  },
  'GET /v1/tenant': { from: 'viewer', answer: '200' },
  'PATCH /v1/tenant': { from: 'owner', answer: '422 invalid_input', body: { slug: 'other' } },
  'GET /v1/tenants': { from: 'operator', answer: '200' },
  'POST /v1/tenants': { from: 'operator', ...incomplete },
  'GET /v1/tenants/{id}': { from: 'operator', ...ofNoTenant },
  'PATCH /v1/tenants/{id}': { from: 'operator', ...ofNoTenant, body: {} },
  'DELETE /v1/tenants/{id}': { from: 'operator', ...ofNoTenant },
  'GET /v1/provisioning': { from: 'admin', answer: '200' },
  'PUT /v1/provisioning': { from: 'owner', answer: '422 invalid_input', body: { unknown: true } },
  'GET /scim/v2/Users': { from: 'owner', answer: '200' },
  'POST /scim/v2/Users': { from: 'owner', answer: '400 invalid_value', body: {} },
  'GET /scim/v2/Users/{id}': { from: 'owner', ...ofUser },
  'PUT /scim/v2/Users/{id}': { from: 'owner', ...ofUser, body: { userName: 'x' } },
  'PATCH /scim/v2/Users/{id}': { from: 'owner', ...ofUser, body: switchOff },
  'DELETE /scim/v2/Users/{id}': { from: 'owner', ...ofUser },
  'GET /scim/v2/Groups': { from: 'owner', answer: '200' },
  'POST /scim/v2/Groups': { from: 'owner', answer: '400 invalid_value', body: {} },
  'GET /scim/v2/Groups/{id}': { from: 'owner', ...ofGroup },
  'PUT /scim/v2/Groups/{id}': { from: 'owner', ...ofGroup, body: { displayName: 'x' } },
  'PATCH /scim/v2/Groups/{id}': { from: 'owner', ...ofGroup, body: switchOff },
  'DELETE /scim/v2/Groups/{id}': { from: 'owner', ...ofGroup },
  'GET /scim/v2/ServiceProviderConfig': { from: 'owner', answer: '200' },
  'GET /scim/v2/ResourceTypes': { from: 'owner', answer: '200' },
  'GET /scim/v2/ResourceTypes/{id}': { from: 'owner', id: () => 'User', answer: '200' },
  'GET /scim/v2/Schemas': { from: 'owner', answer: '200' },
  'GET /scim/v2/Schemas/{id}': { from: 'owner', id: () => 'x', answer: '404 schema_not_found' },
  'GET /v1/ops/dead-letters': { from: 'operator', answer: '200' },
  'GET /v1/ops/dead-letters/{id}': { from: 'operator', ...ofNoLetter },
  'POST /v1/ops/dead-letters/{id}/redrive': { from: 'operator', ...ofNoLetter },
  // Refused behind the guard: other tests have dead letters of their own.
  'POST /v1/ops/dead-letters/redrive': {
    from: 'operator',
    answer: '422 invalid_input',
    headers: { 'idempotency-key': 'not one' },
  },
};

/** Under which every path stands. */
const BASE = /^\/(?:v1|scim\/v2)\//;

const otherCase = (letter: string): string =>
  letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase();

/** Paths that differ from an operation's own. Some are the same to the router; nothing else may lead anywhere. */
const VARIANTS: Array<[string, (path: string) => string, 'same' | '404 not_found' | 'refused by /docs']> = [
  ['with an empty query', (path) => `${path}${path.includes('?') ? '&' : '?'}`, 'same'],
  ['in absolute form', (path) => `http://elsewhere.example${path}`, 'same'],
  ['in absolute form with a user', (path) => `http://a:b@elsewhere.example:1${path}`, 'same'],
  [
    'with an encoded letter',
    (path) => path.replace(BASE, (base) => base.replace(/\d(?=\/$)/, (digit) => `%3${digit}`)),
    'same',
  ],
  ['with an encoded letter, in upper case', (path) => path.replace(/^(\/(?:v1|scim\/v2)\/.*?)n/, '$1%6E'), 'same'],
  [
    'in upper case',
    (path) => path.replace(/^\/(?:v1|scim\/v2)\/[A-Za-z-]+/, (start) => start.toUpperCase()),
    '404 not_found',
  ],
  ['with one letter in upper case', (path) => path.replace(/(?<=^\/(?:v1|scim\/v2)\/)./, otherCase), '404 not_found'],
  [
    'with an encoded letter of another case',
    (path) => path.replace(/^\/[vs]/, (start) => (start === '/v' ? '/%56' : '/%53')),
    '404 not_found',
  ],
  ['with an encoded slash', (path) => path.replace(BASE, (base) => `${base.slice(0, -1)}%2F`), '404 not_found'],
  [
    'with an encoded slash in lower case',
    (path) => path.replace(BASE, (base) => `${base.slice(0, -1)}%2f`),
    '404 not_found',
  ],
  ['with a slash encoded twice', (path) => path.replace(BASE, (base) => `${base.slice(0, -1)}%252F`), '404 not_found'],
  [
    'with a letter encoded twice',
    (path) => path.replace(/^\/[vs]/, (start) => (start === '/v' ? '/%2576' : '/%2573')),
    '404 not_found',
  ],
  ['with a dot segment', (path) => path.replace(BASE, (base) => `${base}./`), '404 not_found'],
  ['with an encoded dot segment', (path) => path.replace(BASE, (base) => `${base}%2e/`), '404 not_found'],
  ['with a way up and down', (path) => `/v1/..${path}`, '404 not_found'],
  ['with an encoded way up and down', (path) => `/v1/%2e%2e${path}`, '404 not_found'],
  ['with a way up that is encoded twice', (path) => `/v1/%252e%252e${path}`, '404 not_found'],
  ['after what is open to anybody', (path) => `/docs/..${path}`, 'refused by /docs'],
  ['after what is open to anybody, encoded', (path) => `/docs/%2e%2e${path}`, 'refused by /docs'],
  ['with a trailing slash', (path) => path.replace(/(?=\?|$)/, '/'), '404 not_found'],
  ['with a double slash at the start', (path) => `/${path}`, '404 not_found'],
  ['with a double slash within', (path) => path.replace(BASE, (base) => `${base}/`), '404 not_found'],
  ['with a backslash', (path) => path.replace(BASE, (base) => `${base.slice(0, -1)}\\`), '404 not_found'],
  [
    'with a parameter of the path',
    (path) => path.replace(BASE, (base) => `${base.slice(0, -1)};a=b/`),
    '404 not_found',
  ],
  ['with a null character', (path) => path.replace(BASE, (base) => `${base.slice(0, -1)}%00/`), '404 not_found'],
  [
    'with a suffix',
    (path) => path.replace(/(?<=^\/(?:v1|scim\/v2)\/[A-Za-z-]+)(?![A-Za-z-])/, '.json'),
    '404 not_found',
  ],
];

const bearer = (key: string): string => `Bearer ${key}`;

let documented: string[];
let theirs: Theirs;
/** Who may do exactly what a role may, and the operators. */
const callers = new Map<Role | 'operator', string>();
/** Credentials that are none, or no longer. */
const useless = new Map<string, string | undefined>();
let suspended: string;
let issuer: TokenIssuer;

const keyOf = async (by: Caller, input: object = {}): Promise<{ id: string; apiKey: string }> =>
  (await by.post<{ id: string; apiKey: string }>('/v1/api-keys', { name: 'Matrix', ...input })).body;

async function prepareUseless(tenant: Tenant): Promise<void> {
  const [revoked, rotated, deleted, frozen] = [
    await keyOf(tenant),
    await keyOf(tenant),
    await newTenant(),
    await newTenant(),
  ];
  await tenant.delete(`/v1/api-keys/${revoked.id}`);
  await tenant.post(`/v1/api-keys/${rotated.id}/rotate`, { overlapSeconds: 0 });
  await operator.delete(`/v1/tenants/${deleted.tenantId}`);
  await operator.patch(`/v1/tenants/${frozen.tenantId}`, { suspended: true });
  suspended = bearer(frozen.apiKey);
  const expired = await keyOf(tenant, { expiresAt: new Date(Date.now() + 500).toISOString() });
  const elsewhere = await keyOf(tenant, { allowedIpRanges: ['192.0.2.0/24'] });
  useless.set('none', undefined);
  useless.set('an empty header', '');
  useless.set('revoked', bearer(revoked.apiKey));
  useless.set('rotated away', bearer(rotated.apiKey));
  useless.set('of a deleted tenant', bearer(deleted.apiKey));
  useless.set('expired', bearer(expired.apiKey));
  useless.set('bound to another address', bearer(elsewhere.apiKey));
  useless.set('forged', bearer(newApiKeyText(TypeID.fromString(tenant.tenantId).toUUID())));
  useless.set('with another checksum', bearer(`${tenant.apiKey.slice(0, -6)}000000`));
  useless.set('of another scheme', `Basic ${Buffer.from(`key:${tenant.apiKey}`).toString('base64')}`);
  useless.set('nearly the platform key', bearer(underTest.platformKey.slice(0, -1)));
  await eventually(
    () => send('GET', '/v1/tenant', useless.get('expired')),
    ({ status }) => status === 401,
  );
}

async function prepareUselessTokens(tenant: Tenant): Promise<void> {
  issuer = await TokenIssuer.start();
  await issuer.addKey('known', 'ES256');
  await register(tenant, { issuer: issuer.issuer, defaultRole: 'owner' });
  const good = await issuer.token('known');
  expect((await send('GET', '/v1/tenant', bearer(good))).status).toBe(200);
  useless.set('a token past its time', bearer(await issuer.token('known', { exp: seconds() - 61 })));
  useless.set('a token for somebody else', bearer(await issuer.token('known', { aud: 'https://elsewhere.test' })));
  useless.set('a token with another payload', bearer(tampered(good, (claims) => (claims.sub = 'eve'))));
}

beforeAll(async () => {
  const [tenant, other] = [await newTenant(), await newTenant()];
  documented = operationsOf(await servedDocument()).map(({ name }) => name);
  theirs = {
    link: (await other.link()).id,
    domain: (await newDomain(other)).id,
    key: (await keyOf(other)).id,
    member: (await invite(other)).id,
    provider: (await register(other, { issuer: 'https://id.example.com' })).id,
    user: (await scimUser(other)).id,
    group: (await scimGroup(other)).id,
  };
  for (const role of ROLES) callers.set(role, bearer((await keyOf(tenant, { scopes: PERMISSIONS_OF[role] })).apiKey));
  callers.set('operator', bearer(underTest.platformKey));
  await prepareUseless(tenant);
  await prepareUselessTokens(tenant);
});
afterAll(() => issuer.goAway());

const addressOf = (name: string): { method: string; path: string; expected: Expectation } => {
  const [method = '', template = ''] = name.split(' ');
  const expected = EXPECTED[name] as Expectation;
  const query = new URLSearchParams(expected.query?.(theirs)).toString();
  const path = template.replace('{id}', expected.id?.(theirs) ?? '') + (query && `?${query}`);
  return { method, path, expected };
};

/** Roles from the least to the most. */
const RISING = ROLES.toReversed();
const may = (caller: Role | 'operator', { from, operators = false }: Expectation): boolean => {
  if (caller === 'operator') return operators || from === 'operator';
  return from !== 'operator' && RISING.indexOf(caller) >= RISING.indexOf(from);
};

/** Who may, who may not, and nobody: with what each of them gets. */
const three = ({ from, answer }: Expectation): Array<[string | undefined, string]> => [
  [undefined, '401 unauthenticated'],
  [callers.get(from === 'operator' ? 'owner' : from === 'viewer' ? 'operator' : 'viewer'), '403 forbidden'],
  [callers.get(from), answer],
];

/** The files of /docs are there to GET, and whoever tries to leave their folder is told so. */
function rightAnswer(leads: (typeof VARIANTS)[number][2], method: string, plain: string): string {
  if (leads === 'same') return plain;
  return leads === 'refused by /docs' && method === 'GET' ? '403 forbidden' : '404 not_found';
}

/** A tenant has few streams open at a time: those are asked for one after the other. */
async function asked<T, R>(name: string, list: T[], ask: (one: T) => Promise<R>): Promise<R[]> {
  if (!STREAMS.has(name)) return Promise.all(list.map(ask));
  const answers: R[] = [];
  for (const one of list) answers.push(await ask(one));
  return answers;
}
const STREAMS = new Set(['GET /v1/analytics/export', 'GET /v1/analytics/live', 'GET /v1/analytics']);

describe('the access matrix', () => {
  it('has an expectation for every operation there is', () => {
    expect(Object.keys(EXPECTED).toSorted()).toEqual(documented.toSorted());
  });
});

describe.each(Object.keys(EXPECTED))('%s', (name) => {
  it('is open to the roles that it is for', async () => {
    const { method, path, expected } = addressOf(name);
    const seen = await asked(name, [...callers], async ([caller, authorization]) => [
      caller,
      told(await send(method, path, authorization, expected)),
    ]);
    const answers = [...callers.keys()].map((caller) => [
      caller,
      may(caller, expected) ? expected.answer : '403 forbidden',
    ]);
    expect(seen).toEqual(answers);
  });

  it('is closed to credentials that are none, or no longer', async () => {
    const { method, path, expected } = addressOf(name);
    for (const [kind, authorization] of useless) {
      const seen = await send(method, path, authorization, expected);
      expect([kind, told(seen), seen.authenticate]).toEqual([
        kind,
        '401 unauthenticated',
        expect.stringMatching(/^Bearer/),
      ]);
    }
    expect(told(await send(method, path, suspended, expected))).toBe('403 tenant_suspended');
  });

  it('answers HEAD like GET, without a body, and else not at all', async () => {
    const { path } = addressOf(name);
    const [, template = ''] = name.split(' ');
    const expected = EXPECTED[`GET ${template}`];
    for (const [authorization, answer] of three(expected ?? { from: 'viewer', answer: '' })) {
      const seen = await send('HEAD', path, authorization);
      expect([seen.status, seen.text]).toEqual([expected ? Number(answer.slice(0, 3)) : 405, '']);
    }
  });

  it('is not reached by another path', async () => {
    const { method, path, expected } = addressOf(name);
    const requests = VARIANTS.flatMap((variant) => three(expected).map((caller) => [variant, caller] as const));
    const outcomes = await asked(name, requests, async ([[kind, change, leads], [authorization, answer]]) => ({
      asked: `${kind}: ${method} ${change(path)}`,
      seen: told(await send(method, change(path), authorization, expected)),
      right: rightAnswer(leads, method, answer),
    }));
    expect(outcomes.filter(({ seen, right }) => seen !== right)).toEqual([]);
    expect(outcomes).toHaveLength(VARIANTS.length * 3);
  });
});
