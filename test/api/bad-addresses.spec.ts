import { beforeAll, describe, expect, it } from '@jest/globals';
import { newTenant, operator, type ProblemBody, type Tenant } from '../support/waypost.js';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

describe('paths and queries', () => {
  const id = 'link_01h455vb4pex5vsknk084sn02q';

  it.each([
    'x',
    'link_',
    '01h455vb4pex5vsknk084sn02q',
    'dom_01h455vb4pex5vsknk084sn02q',
    'LINK_01h455vb4pex5vsknk084sn02q',
    'link_01H455VB4PEX5VSKNK084SN02Q',
    'link_81h455vb4pex5vsknk084sn02q',
    'link_01h455vb4pex5vsknk084sn02',
    'link_01h455vb4pex5vsknk084sn02ql',
    'link_01h455vb4pex5vsknk084sn02l',
    '%00',
    "'%20OR%201=1",
    'x'.repeat(250),
  ])('refuses a malformed id: %s', async (malformed) => {
    for (const method of ['GET', 'PATCH', 'DELETE']) {
      const answer = await tenant.ask<ProblemBody>(
        method,
        `/v1/links/${malformed}`,
        method === 'PATCH' ? { body: {} } : {},
      );
      expect(answer).toBeProblem(422, 'invalid_input');
      expect(answer.body.errors?.[0]?.pointer).toBe('/id');
    }
  });

  it('answers 404 for a well-formed id of nothing', async () => {
    expect(await tenant.get(`/v1/links/${id}`)).toBeProblem(404, 'link_not_found');
    expect(await tenant.get(`/v1/domains/${id.replace('link', 'dom')}`)).toBeProblem(404, 'domain_not_found');
    expect(await tenant.delete(`/v1/api-keys/${id.replace('link', 'key')}`)).toBeProblem(404, 'api_key_not_found');
    expect(await operator.get(`/v1/tenants/${id.replace('link', 'tnt')}`)).toBeProblem(404, 'tenant_not_found');
  });

  it('answers 404 for an id that is in good form and yet stands for no UUID that is ever given out', async () => {
    for (const nobody of ['7zzzzzzzzzzzzzzzzzzzzzzzzz', '00000000000000000000000001']) {
      expect(await tenant.get(`/v1/links/link_${nobody}`)).toBeProblem(404, 'link_not_found');
      expect(await tenant.post(`/v1/domains/dom_${nobody}/verify`)).toBeProblem(404, 'domain_not_found');
      expect(await tenant.get(`/v1/analytics?linkId=link_${nobody}`)).toBeProblem(404, 'link_not_found');
      expect(await operator.get(`/v1/ops/dead-letters/dead_${nobody}`)).toBeProblem(404, 'dead_letter_not_found');
    }
  });

  it.each([
    ['/v1/links?colour=red', '/colour'],
    ['/v1/links?__proto__=1', '/__proto__'],
    ['/v1/links?constructor=1', '/constructor'],
    ['/v1/links?limit=10&limit=20', '/limit'],
    ['/v1/links?tag=a&tag=b', '/tag'],
    ['/v1/links?tag[]=a', '/tag[]'],
    ['/v1/links?archived=maybe', '/archived'],
    ['/v1/links?sort=title', '/sort'],
    ['/v1/links?order=up', '/order'],
    ['/v1/links?search=', '/search'],
    ['/v1/links?search=%00', '/search'],
    ['/v1/links?tag=a%00', '/tag'],
    ['/v1/links?domain=a%00', '/domain'],
    [`/v1/links?search=${'x'.repeat(201)}`, '/search'],
    [`/v1/links?cursor=${'x'.repeat(1025)}`, '/cursor'],
    ['/v1/links/info', '/domain'],
    ['/v1/links/info?domain=a.example&key=%00', '/key'],
    ['/v1/links/info?domain=a.example&key=', '/key'],
    ['/v1/audit-events?action=%00', '/action'],
    ['/v1/audit-events?target=%00', '/target'],
    ['/v1/domains?verified=true', '/verified'],
    ['/v1/analytics?domain=a.example&key=%00', '/key'],
  ])('refuses %s', async (path, pointer) => {
    const answer = await tenant.get<ProblemBody>(path);
    expect(answer).toBeProblem(422, 'invalid_input');
    expect(answer.body.errors?.[0]?.pointer).toBe(pointer);
  });

  it.each(['/v1/links/%', '/v1/links/%zz', '/v1/links/%ff', '/v1/links/%c3%28', '/v1/%E0%A4%A'])(
    'refuses bad percent-encoding: %s',
    async (path) => expect(await tenant.get(path)).toBeProblem(400, 'malformed_request'),
  );

  it.each([
    ['GET', '/'],
    ['GET', '/v1'],
    ['GET', '/v1/nothing'],
    ['GET', '/v1/links/'],
    ['GET', '//v1/links'],
    ['GET', '/V1/links'],
    ['GET', `/v1/links/${id}/clicks`],
    ['GET', '/livez'],
    ['GET', '/metrics'],
    ['GET', `/v1/nothing/${'x'.repeat(8000)}`],
  ])('answers 404 to %s %s', async (method, path) => {
    expect(await tenant.ask(method, path)).toBeProblem(404, 'not_found');
  });

  it.each([
    ['PUT', `/v1/links/${id}`],
    ['DELETE', '/v1/links'],
    ['PATCH', '/v1/links'],
    ['POST', `/v1/links/${id}`],
    ['GET', '/v1/shorten'],
    ['OPTIONS', '/v1/links'],
  ])('answers 405 to %s %s', async (method, path) => {
    expect(await tenant.ask(method, path)).toBeProblem(405, 'method_not_allowed');
  });

  it.each(['/v1/links/', '/v1/domains/'])('refuses an over-long part of a path: %s', async (path) => {
    const answer = await tenant.get<ProblemBody>(path + 'x'.repeat(5000));
    expect([400, 404, 414, 422]).toContain(answer.status);
    expect(answer).toBeProblem(answer.status, answer.body.code);
  });
});
