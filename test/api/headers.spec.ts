import { beforeAll, describe, expect, it } from '@jest/globals';
import { operationsOf, servedDocument } from '../support/openapi.js';
import { exchange } from '../support/raw-http.js';
import { type Answer, newTenant, request, type Tenant, underTest } from '../support/waypost.js';

const url = (path: string): string => underTest.apiUrl + path;
const ask = (path: string, method = 'GET'): Promise<Answer<string>> => request<string>(method, url(path));

let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

const HELMET = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'SAMEORIGIN',
  'referrer-policy': 'no-referrer',
  'strict-transport-security': expect.stringContaining('max-age='),
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};
const FOR_DATA = "default-src 'none';frame-ancestors 'none'";

describe('every answer', () => {
  it('of the API has the headers of a careful server, is kept by nobody and sets no cookie', async () => {
    const answers: Array<Answer<unknown>> = [
      await tenant.get('/v1/tenant'),
      await tenant.post('/v1/links', { url: 'https://example.com/' }),
      await tenant.get('/v1/analytics/export?interval=24h'),
      await tenant.post('/v1/links', { url: 'no' }),
      await tenant.ask('POST', '/v1/links', { raw: '{' }),
      await tenant.ask('PUT', '/v1/links'),
      await tenant.get('/v1/nothing'),
      await ask('/v1/links'),
      await ask('/v1/openapi.json'),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 201, 200, 422, 400, 405, 404, 401, 200]);
    for (const { headers } of answers) {
      expect(headers).toMatchObject({ ...HELMET, 'content-security-policy': FOR_DATA, 'cache-control': 'no-store' });
      expect(headers).not.toHaveProperty('set-cookie');
      expect(headers).not.toHaveProperty('x-powered-by');
    }
  });

  it.each(['/v1/%zz', '/%'])('says what matters also where the address %s can not be read', async (path) => {
    const { status, headers } = await ask(path);
    expect(status).toBe(400);
    expect(headers).toMatchObject({
      'content-security-policy': FOR_DATA,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
  });

  it('says so also to what is no HTTP', async () => {
    const answer = (await exchange('GARBAGE\r\n\r\n')).toLowerCase();
    expect(answer).toContain('\r\ncache-control: no-store\r\n');
    expect(answer).toContain('\r\nx-content-type-options: nosniff\r\n');
  });

  it('opens nothing to other origins unless some are named', async () => {
    const origin = { origin: 'https://app.example.com' };
    const simple = await tenant.get('/v1/links', { headers: origin });
    const preflight = await request('OPTIONS', url('/v1/links'), {
      headers: { ...origin, 'access-control-request-method': 'POST' },
    });
    expect(preflight).toBeProblem(405, 'method_not_allowed');
    for (const { headers } of [simple, preflight]) {
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });
});

/** What a page with this policy may load of each kind, as far as the documentation needs any. */
const sourcesOf = (policy: string, directive: string): string[] =>
  (policy.split(';').find((part) => part.startsWith(`${directive} `)) ?? policy.split(';')[0] ?? '')
    .split(' ')
    .slice(1);

describe('the page of the documentation', () => {
  it('may do what Swagger UI does, and no more', async () => {
    const page = await ask('/docs');
    expect(page.headers).toMatchObject(HELMET);
    const policy = String(page.headers['content-security-policy']);

    const scripts = [...page.text.matchAll(/<script([^>]*)>([^]*?)<\/script>/g)];
    expect(scripts.length).toBeGreaterThan(2);
    for (const [, attributes, inline = ''] of scripts) {
      expect(attributes).toMatch(/^ src="\.?\/[^/"][^"]*"$/);
      expect(inline.trim()).toBe('');
    }
    expect(page.text).not.toMatch(/\son\w+=/i);
    expect(sourcesOf(policy, 'script-src')).toEqual(["'self'"]);
    // The page and the library write styles, and draw their icons, in themselves.
    expect(page.text).toContain('<style>');
    expect(sourcesOf(policy, 'style-src')).toEqual(["'self'", "'unsafe-inline'"]);
    expect(sourcesOf(policy, 'img-src')).toEqual(["'self'", 'data:']);
    expect(sourcesOf(policy, 'connect-src')).toEqual(["'self'"]);
    for (const directive of ['default-src', 'base-uri', 'form-action', 'frame-ancestors', 'object-src']) {
      expect(sourcesOf(policy, directive)).toEqual(["'none'"]);
    }

    const assets = [...page.text.matchAll(/(?:src|href)="(\.?\/[^"]+)"/g)].map(([, asset = '']) => asset);
    expect(assets.length).toBeGreaterThan(4);
    for (const asset of assets) {
      const { status, headers } = await ask(new URL(asset, url('/docs')).pathname);
      expect({ asset, status }).toEqual({ asset, status: 200 });
      expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'content-security-policy': policy });
    }
    const css = await ask('/docs/swagger-ui.css');
    const loaded = [...css.text.matchAll(/url\(["']?([^"')]{0,12})/g)].map(([, start = '']) => start);
    expect(loaded.filter((start) => !start.startsWith('data:image/'))).toEqual([]);
    expect((await ask('/docs/swagger-ui-bundle.js')).text).not.toMatch(/[^.\w]eval\(/);
  });
});

describe('a method that a path does not have', () => {
  it('is 405 with those it has, whoever asks, on every path of the OpenAPI document', async () => {
    const document = await servedDocument();
    const paths = Object.groupBy(operationsOf(document), ({ path }) => path);
    expect(Object.keys(paths).length).toBeGreaterThan(15);
    for (const [path, operations = []] of Object.entries(paths)) {
      const known = operations.map(({ name }) => name.split(' ')[0] ?? '');
      const allow = [...known, ...(known.includes('GET') ? ['HEAD'] : [])].sort().join(', ');
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((one) => !known.includes(one))) {
        // A path such as /v1/links/info is also one of /v1/links/{id}.
        const answer = await ask(path.replace('{id}', 'x'), method);
        expect({ path, method, status: answer.status, allow: answer.headers.allow }).toEqual({
          path,
          method,
          status: 405,
          allow,
        });
        const type = `application/${path.startsWith('/scim/') ? 'scim' : 'problem'}+json`;
        expect(answer.headers['content-type']).toBe(`${type}; charset=utf-8`);
        expect(answer.body).toMatchObject({ code: 'method_not_allowed' });
      }
    }
  });

  it('is refused before its body is looked at', async () => {
    const answer = await request('PUT', url('/v1/links'), { raw: '{"broken', headers: { 'content-type': 'text/x' } });
    expect(answer).toBeProblem(405, 'method_not_allowed');
  });

  it('leaves a path that is not there a 404', async () => {
    for (const method of ['GET', 'PUT', 'DELETE'])
      expect(await ask('/v1/nothing', method)).toBeProblem(404, 'not_found');
  });
});

describe('security.txt', () => {
  it('says where flaws are reported, for less than a year, on the API alone', async () => {
    const { status, headers, text } = await ask('/.well-known/security.txt');
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; charset=utf-8');
    expect(text).toMatch(/^Contact: https:\/\/\S+$/m);
    const expires = Date.parse(/^Expires: (\S+)$/m.exec(text)?.[1] ?? '');
    expect(expires).toBeGreaterThan(Date.now() + 30 * 86_400_000);
    expect(expires).toBeLessThan(Date.now() + 365 * 86_400_000);
    const redirect = await request('GET', `${underTest.redirectUrl}/.well-known/security.txt`);
    expect(redirect.status).toBe(404);
  });
});
