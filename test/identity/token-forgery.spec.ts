import { createHmac, generateKeyPairSync, KeyObject, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exportSPKI } from 'jose';
import { Deployment, type RoleProcess } from '../support/deployment.js';
import { forged, part, rs256, tampered } from '../support/forging.js';
import { askWith, AUDIENCE, register } from '../support/identity-providers.js';
import { seconds, TokenIssuer } from '../support/token-issuer.js';
import { Caller, eventually, type ProblemBody, unique } from '../support/waypost.js';

let deployment: Deployment;
let api: RoleProcess;
let apiUrl: string;
/** Registered by the first tenant, with every kind of key. */
let ours: TokenIssuer;
/** Registered by the second tenant alone. */
let theirs: TokenIssuer;
/** Registered by nobody. */
let nobodys: TokenIssuer;
let operators: TokenIssuer;
let first: { id: string; slug: string };
const evil = generateKeyPairSync('rsa', { modulusLength: 2_048 });

async function newTenant(issuer: TokenIssuer): Promise<{ id: string; slug: string }> {
  const slug = unique();
  const { body } = await deployment.operator.post<{ id: string; apiKey: string }>('/v1/tenants', { name: slug, slug });
  await register(new Caller(body.apiKey, apiUrl), { issuer: issuer.issuer, defaultRole: 'viewer' });
  return { id: body.id, slug };
}

beforeAll(async () => {
  deployment = await Deployment.open(11);
  [ours, theirs, nobodys, operators] = await Promise.all([
    TokenIssuer.start(),
    TokenIssuer.start(),
    TokenIssuer.start(),
    TokenIssuer.start(),
  ]);
  api = await deployment.start('api', undefined, {
    OUTGOING_ALLOW: '127.0.0.1/32',
    // Here one address stands for many.
    RATE_LIMIT_FAILURES: '1000000',
    PLATFORM_OIDC_ISSUER: operators.issuer,
    PLATFORM_OIDC_AUDIENCE: 'https://operators.test',
    PLATFORM_OIDC_ROLE_CLAIM: 'groups',
    PLATFORM_OIDC_ROLES: 'waypost-admins=*, waypost-support=tenants:read ops:read',
  });
  apiUrl = `http://127.0.0.1:${api.ports.PORT}`;
  await ours.addKey('rsa', 'RS256');
  await ours.addKey('ps', 'PS256');
  await ours.addKey('ec', 'ES256');
  await ours.addKey('ed', 'EdDSA');
  // Published as what it must not be.
  const short = generateKeyPairSync('rsa', { modulusLength: 1_024 });
  ours.published.push(
    { ...short.publicKey.export({ format: 'jwk' }), kid: 'short', kty: 'RSA' },
    { kty: 'oct', kid: 'oct', k: Buffer.from('secret').toString('base64url'), alg: 'HS256' },
    { ...ours.published[0], kid: 'only-rs512', alg: 'RS512', kty: 'RSA' },
    { ...ours.published[0], kid: 'for-encryption', use: 'enc', kty: 'RSA' },
  );
  shortKey = short.privateKey;
  for (const issuer of [theirs, nobodys, operators]) await issuer.addKey('rsa', 'RS256');
  first = await newTenant(ours);
  await newTenant(theirs);
}, 120_000);
afterAll(async () => {
  expect(await deployment.close()).toEqual([0]);
  await Promise.all([ours, theirs, nobodys, operators].map((issuer) => issuer.goAway()));
});

let shortKey: KeyObject;
const privateKey = (kid: string): KeyObject => KeyObject.from(ours.key(kid).privateKey);
const header = { alg: 'RS256', kid: 'rsa', typ: 'at+jwt' };
/** Signed with the good key: only what is in it is wrong. */
const signed = (more: object, claims: unknown = ours.claims()): string =>
  forged({ ...header, ...more }, claims, rs256(privateKey('rsa')));
const hmac = (secret: string | Buffer) => (input: Buffer) => createHmac('sha256', secret).update(input).digest();

interface Forgery {
  token: () => string | Promise<string>;
  /** In the log. */
  reason: RegExp;
  tenant?: () => string;
}

const FORGERIES: Record<string, Forgery> = {
  'no algorithm': { token: () => forged({ ...header, alg: 'none' }, ours.claims(), () => ''), reason: /no signed JWT/ },
  'no algorithm, and some signature': { token: () => signed({ alg: 'none' }), reason: /alg/ },
  'no algorithm, in other letters': { token: () => signed({ alg: 'nOnE' }), reason: /alg/ },
  'HS256 with the public key as the secret': {
    token: async () => {
      const pem = await exportSPKI(ours.key('rsa').publicKey);
      return forged({ ...header, alg: 'HS256' }, ours.claims(), hmac(pem));
    },
    reason: /alg/,
  },
  'HS256 with a published secret': {
    token: () => forged({ ...header, alg: 'HS256', kid: 'oct' }, ours.claims(), hmac('secret')),
    reason: /alg/,
  },
  'RS256 with a key published as a secret': { token: () => signed({ kid: 'oct' }), reason: /no key oct/ },
  'a wrong key id': { token: () => signed({ kid: 'other' }), reason: /no key other/ },
  'no key id': { token: () => signed({ kid: undefined }), reason: /kid/ },
  'a key id that is a path': { token: () => signed({ kid: '../../keys' }), reason: /no key \.\.\/\.\.\/keys/ },
  'the key id of another key': { token: () => signed({ kid: 'ps' }), reason: /invalid signature/ },
  'an issuer that nobody has registered': { token: () => nobodys.token('rsa'), reason: /no tenant, or more than one/ },
  "another tenant's issuer": {
    token: () => theirs.token('rsa'),
    tenant: () => first.id,
    reason: /the tenant asked for takes no tokens/,
  },
  "another tenant's issuer, the tenant by its slug": {
    token: () => theirs.token('rsa'),
    tenant: () => first.slug,
    reason: /the tenant asked for takes no tokens/,
  },
  "the operators' issuer for a tenant": {
    token: () => operators.token('rsa', { aud: 'https://operators.test', groups: ['waypost-admins'] }),
    tenant: () => first.id,
    reason: /the tenant asked for takes no tokens/,
  },
  "our issuer's name, signed by another issuer": {
    token: () => theirs.token('rsa', { iss: ours.issuer }),
    reason: /invalid signature/,
  },
  'an issuer that differs in a slash': {
    token: () => ours.token('rsa', { iss: `${ours.issuer}/` }),
    reason: /no tenant, or more than one/,
  },
  'an issuer that is a list': { token: () => ours.token('rsa', { iss: [ours.issuer] }), reason: /iss/ },
  'a key of its own (jwk)': {
    token: () =>
      forged({ ...header, jwk: evil.publicKey.export({ format: 'jwk' }) }, ours.claims(), rs256(evil.privateKey)),
    reason: /jwk/,
  },
  'keys of its own (jku)': { token: () => signed({ jku: `${nobodys.issuer}/keys` }), reason: /jku/ },
  'a certificate of its own (x5u)': { token: () => signed({ x5u: `${nobodys.issuer}/cert` }), reason: /x5u/ },
  'a certificate of its own (x5c)': { token: () => signed({ x5c: ['MIIB'] }), reason: /x5c/ },
  'a demand (crit)': { token: () => signed({ crit: ['exp'] }), reason: /crit/ },
  'compression (zip)': { token: () => signed({ zip: 'DEF' }), reason: /zip/ },
  'its time over': { token: () => ours.token('rsa', { exp: seconds() - 61 }), reason: /expired/ },
  'its time to come': { token: () => ours.token('rsa', { nbf: seconds() + 120 }), reason: /not in force/ },
  'a birth in the future': { token: () => ours.token('rsa', { iat: seconds() + 120 }), reason: /issued in the future/ },
  'no end': { token: () => ours.token('rsa', { exp: undefined }), reason: /exp/ },
  'an end that is a text': { token: () => signed({}, ours.claims({ exp: '9999999999' })), reason: /exp/ },
  'no birth': { token: () => ours.token('rsa', { iat: undefined }), reason: /iat/ },
  'no subject': { token: () => ours.token('rsa', { sub: undefined }), reason: /sub/ },
  'an empty subject': { token: () => ours.token('rsa', { sub: '' }), reason: /sub/ },
  'a subject that no database stores': { token: () => ours.token('rsa', { sub: 'ada\u0000' }), reason: /stored/ },
  'another audience': {
    token: () => ours.token('rsa', { aud: `${AUDIENCE}/` }),
    reason: /no tenant, or more than one/,
  },
  'other audiences': { token: () => ours.token('rsa', { aud: ['a', 'b'] }), reason: /no tenant, or more than one/ },
  'an audience that is SQL': {
    token: () => ours.token('rsa', { aud: [`') OR true --`, `\\'; SELECT 1`] }),
    reason: /no tenant, or more than one/,
  },
  'no audience': { token: () => ours.token('rsa', { aud: undefined }), reason: /aud/ },
  'the type of a logout token': { token: () => ours.token('rsa', {}, { typ: 'logout+jwt' }), reason: /typ/ },
  'the type of a proof of possession': { token: () => ours.token('rsa', {}, { typ: 'dpop+jwt' }), reason: /typ/ },
  'an event': { token: () => ours.token('rsa', { events: {} }, { typ: 'JWT' }), reason: /events/ },
  'a claim twice': {
    token: () => signed({}, JSON.stringify(ours.claims()).replace('{', '{"sub":"eve",')),
    reason: /sub comes twice/,
  },
  'a claim twice, one of them escaped': {
    token: () => signed({}, JSON.stringify(ours.claims()).replace('{', '{"s\\u0075b":"eve",')),
    reason: /sub comes twice/,
  },
  'an algorithm twice': {
    token: () => forged('{"alg":"none","alg":"RS256","kid":"rsa"}', ours.claims(), rs256(privateKey('rsa'))),
    reason: /alg comes twice/,
  },
  'far too much': { token: () => ours.token('rsa', { more: 'x'.repeat(9_000) }), reason: /too long/ },
  'a key of another type': { token: () => signed({ kid: 'ec' }), reason: /no key ec for RS256/ },
  'an algorithm of another type': { token: () => signed({ alg: 'ES256' }), reason: /no key rsa for ES256/ },
  'EdDSA with an RSA key': { token: () => signed({ alg: 'EdDSA' }), reason: /no key rsa for EdDSA/ },
  'another algorithm than its key is for': { token: () => signed({ kid: 'only-rs512' }), reason: /no key only-rs512/ },
  'a key that is for encryption': { token: () => signed({ kid: 'for-encryption' }), reason: /no key for-encryption/ },
  'a key that is too short': {
    token: () => forged({ ...header, kid: 'short' }, ours.claims(), rs256(shortKey)),
    reason: /no key short/,
  },
  'PS256 with a signature of RS256': { token: () => signed({ alg: 'PS256', kid: 'ps' }), reason: /invalid signature/ },
  'a truncated signature': { token: async () => (await ours.token('rsa')).slice(0, -4), reason: /invalid signature/ },
  'a truncated signature of EdDSA': {
    token: async () => (await ours.token('ed')).slice(0, -4),
    reason: /invalid signature/,
  },
  'a truncated signature of ES256': {
    token: async () => (await ours.token('ec')).slice(0, -4),
    reason: /signature/,
  },
  'no signature': { token: async () => (await ours.token('rsa')).replace(/[^.]*$/, ''), reason: /no signed JWT/ },
  'a signature of zeros': {
    token: () => forged({ ...header, alg: 'ES256', kid: 'ec' }, ours.claims(), () => Buffer.alloc(64)),
    reason: /signature/,
  },
  'a signature in DER': {
    token: () =>
      forged({ ...header, alg: 'ES256', kid: 'ec' }, ours.claims(), (input) => sign('sha256', input, privateKey('ec'))),
    reason: /signature/,
  },
  'the signature of another token': {
    token: async () => {
      const [header, payload] = (await ours.token('rsa', { sub: 'eve' })).split('.');
      const [, , signature] = (await ours.token('rsa')).split('.');
      return [header, payload, signature].join('.');
    },
    reason: /invalid signature/,
  },
  'another payload under its signature': {
    token: async () => tampered(await ours.token('ed'), (claims) => Object.assign(claims, { sub: 'eve' })),
    reason: /invalid signature/,
  },
  'an attacker’s signature': {
    token: () => forged(header, ours.claims(), rs256(evil.privateKey)),
    reason: /invalid signature/,
  },
  'five parts': { token: async () => `${await ours.token('rsa')}.e30.e30`, reason: /no signed JWT/ },
  padding: { token: async () => `${await ours.token('rsa')}==`, reason: /no signed JWT/ },
  'base64 of many forms': {
    token: () => `e31.${part(ours.claims())}.c2ln`,
    reason: /not base64url/,
  },
  'a tenant that is neither id nor slug': {
    token: () => ours.token('rsa'),
    tenant: () => `' OR true --`,
    reason: /neither an id nor a slug/,
  },
  'a tenant that is not there': {
    token: () => ours.token('rsa'),
    tenant: () => 'tnt_01h455vb4pex5vsknk084sn02q',
    reason: /the tenant asked for/,
  },
  'an operator without a role': {
    token: () => operators.token('rsa', { aud: 'https://operators.test', groups: ['others'] }),
    reason: /no operator/,
  },
};

const logged = (requestId: string): Array<{ reason?: string; msg: string }> =>
  api.process
    .output()
    .split('\n')
    .filter((line) => line.includes(requestId))
    .map((line) => JSON.parse(line) as { reason?: string; msg: string });

/** What every refused caller is told, but for what names the request. */
const shown = ({ body }: { body: ProblemBody }) => ({ ...body, traceId: '', instance: '' });

describe('a token', () => {
  it.each(['rsa', 'ps', 'ec', 'ed'])('signed with the key %s is good', async (kid) => {
    expect(await askWith(await ours.token(kid), { apiUrl })).toMatchObject({ status: 200, body: { id: first.id } });
    expect((await askWith(await ours.token(kid, {}, { typ: 'JWT' }), { apiUrl })).status).toBe(200);
  });

  it('is there in more than thirty forgeries', () => expect(Object.keys(FORGERIES).length).toBeGreaterThan(30));

  it.each(Object.entries(FORGERIES))('with %s is refused, and only the log has why', async (_name, forgery) => {
    const requestId = unique('forged-');
    const token = await forgery.token();
    const answer = await askWith(token, {
      apiUrl,
      headers: { 'x-request-id': requestId },
      ...(forgery.tenant && { tenant: forgery.tenant() }),
    });

    expect(answer).toBeProblem(401, 'unauthenticated');
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    expect(shown(answer)).toEqual(shown(await askWith('nonsense', { apiUrl })));
    const lines = await eventually(
      () => Promise.resolve(logged(requestId)),
      (found) => found.length >= 2,
    );
    expect(lines.map(({ reason }) => reason).find(Boolean)).toMatch(forgery.reason);
    expect(api.process.output()).not.toContain(token.slice(0, 200));
  });

  it('opens only what the role of its person does', async () => {
    const token = await ours.token('rsa');
    const answer = await askWith(token, {
      apiUrl,
      method: 'POST',
      path: '/v1/links',
      body: { url: 'https://a.example' },
    });
    expect(answer).toBeProblem(403, 'forbidden');
    expect(await askWith(token, { apiUrl, path: '/v1/tenants' })).toBeProblem(403, 'forbidden');
  });
});

describe("the operators' provider", () => {
  const token = (groups: unknown, more: object = {}) =>
    operators.token('rsa', { aud: 'https://operators.test', groups, ...more });

  it('opens what the role claim says', async () => {
    const admin = await token(['other', 'waypost-admins']);
    const support = await token('waypost-support');
    expect((await askWith(admin, { apiUrl, path: '/v1/tenants' })).status).toBe(200);
    expect((await askWith(support, { apiUrl, path: '/v1/tenants' })).status).toBe(200);
    const slug = unique();
    const create = { apiUrl, path: '/v1/tenants', method: 'POST', body: { name: slug, slug } };
    expect(await askWith(support, create)).toBeProblem(403, 'forbidden');
    expect((await askWith(admin, create)).status).toBe(201);
    expect(await askWith(admin, { apiUrl, path: '/v1/tenant' })).toBeProblem(403, 'forbidden');
  });

  it('says in the audit trail who it was', async () => {
    const slug = unique();
    const create = { apiUrl, path: '/v1/tenants', method: 'POST', body: { name: slug, slug } };
    const { body } = await askWith<{ apiKey: string }>(await token('waypost-admins', { sub: 'grace' }), create);
    const events = await new Caller(body.apiKey, apiUrl).get<{ data: Array<{ action: string; actor: string }> }>(
      '/v1/audit-events?action=tenant.created',
    );
    expect(events.body.data).toMatchObject([{ actor: 'platform:grace' }]);
  });

  it('opens nothing with tokens for somebody else', async () => {
    const other = await token('waypost-admins', { aud: AUDIENCE });
    expect(await askWith(other, { apiUrl, path: '/v1/tenants' })).toBeProblem(401, 'unauthenticated');
  });
});

describe('keys', () => {
  it('that were withdrawn while a token was on its way open nothing, once the new ones are known', async () => {
    const issuer = await TokenIssuer.start();
    await issuer.addKey('old', 'RS256');
    await newTenant(issuer);
    const old = await issuer.token('old');
    expect((await askWith(old, { apiUrl })).status).toBe(200);

    issuer.published = [];
    await issuer.addKey('new', 'ES256');
    const many = await Promise.all(
      Array.from({ length: 20 }, async () => askWith(await issuer.token('new'), { apiUrl })),
    );
    expect(new Set(many.map(({ status }) => status))).toEqual(new Set([200]));
    expect(issuer.keyRequests).toBe(2);
    expect(await askWith(old, { apiUrl })).toBeProblem(401, 'unauthenticated');
    await issuer.goAway();
  });

  it('are asked for at a bounded rate under a flood of made-up ones, while good tokens go on', async () => {
    const issuer = await TokenIssuer.start();
    await issuer.addKey('good', 'ES256');
    await newTenant(issuer);
    const good = await issuer.token('good');
    expect((await askWith(good, { apiUrl })).status).toBe(200);
    const flood = Array.from({ length: 300 }, async (_, n) => {
      const answer = await askWith(await issuer.token('good', {}, { kid: `made-up-${n}` }), { apiUrl });
      return answer.status;
    });
    expect((await askWith(good, { apiUrl })).status).toBe(200);
    expect(new Set(await Promise.all(flood))).toEqual(new Set([401]));
    expect(issuer.keyRequests).toBeLessThanOrEqual(3);
    await issuer.goAway();
  });

  it('that are known go on while the provider is away; who was never seen is told to come again', async () => {
    const [known, unseen] = await Promise.all([TokenIssuer.start(), TokenIssuer.start()]);
    for (const issuer of [known, unseen]) {
      await issuer.addKey('key', 'RS256');
      await newTenant(issuer);
    }
    expect((await askWith(await known.token('key'), { apiUrl })).status).toBe(200);
    await Promise.all([known.goAway(), unseen.goAway()]);

    expect((await askWith(await known.token('key', { sub: 'grace' }), { apiUrl })).status).toBe(200);
    expect(await askWith(await known.token('key', {}, { kid: 'new' }), { apiUrl })).toBeProblem(401, 'unauthenticated');
    const away = await askWith(await unseen.token('key'), { apiUrl });
    expect(away).toBeProblem(503, 'temporarily_unavailable');
    expect(away.headers['retry-after']).toBeDefined();

    await unseen.comeBack();
    expect((await askWith(await unseen.token('key'), { apiUrl })).status).toBe(200);
    await unseen.goAway();
  });

  it.each([
    ['another issuer', { issuer: 'https://id.example.com' }, /discovery names another issuer/],
    ['an issuer without an end', { issuer: 'x'.repeat(100_000) }, /^discovery names another issuer: x{200}…$/],
    ['no keys', { jwks_uri: undefined }, /discovery names no issuer or no keys/],
    ['keys at an address inside', { jwks_uri: 'http://127.0.0.2/keys' }, /can not be asked: address_refused/],
    ['keys in the metadata of a cloud', { jwks_uri: 'http://169.254.169.254/keys' }, /address_refused/],
  ])('are not taken from a provider whose discovery names %s', async (_name, change, reason) => {
    const issuer = await TokenIssuer.start();
    await issuer.addKey('key', 'RS256');
    Object.assign(issuer.discovery, change);
    await newTenant(issuer);
    const requestId = unique('discovery-');
    const answer = await askWith(await issuer.token('key'), { apiUrl, headers: { 'x-request-id': requestId } });
    expect(answer).toBeProblem(401, 'unauthenticated');
    await eventually(
      () => Promise.resolve(logged(requestId)),
      (found) => found.some((line) => reason.test(line.reason ?? '')),
    );
    await issuer.goAway();
  });
});
