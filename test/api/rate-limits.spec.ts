import { describe, expect, it } from '@jest/globals';
import { newDomain } from '../support/domains.js';
import { Caller, eventually, newTenant, operator, request, underTest, unique, visit } from '../support/waypost.js';

/** A tenant whose minute has not begun. */
async function limited(requestsPerMinute: number): Promise<Caller & { tenantId: string }> {
  const slug = unique();
  const input = { name: slug, slug, limits: { requestsPerMinute } };
  const { body } = await operator.post<{ id: string; apiKey: string }>('/v1/tenants', input);
  return Object.assign(new Caller(body.apiKey), { tenantId: body.id });
}

/** A list of strings with whole numbers as parameters (RFC 9651), as the draft has them. */
function parsed(field: string | string[] | undefined): Record<string, Record<string, number>> {
  const items = String(field)
    .split(', ')
    .map((item) => {
      const [, name, parameters] = /^"([a-z]+)"((?:;[a-z]+=\d+)+)$/.exec(item) ?? [];
      if (name === undefined || parameters === undefined) throw new Error(`No such list: ${field}`);
      const pairs = parameters.slice(1).split(';');
      return [name, Object.fromEntries(pairs.map((pair) => pair.split('=')).map(([key, n]) => [key, Number(n)]))];
    });
  return Object.fromEntries(items) as Record<string, Record<string, number>>;
}

describe("a tenant's rate", () => {
  it('is told with every answer, and refuses what is beyond it until the minute is over, whichever the key', async () => {
    const tenant = await limited(12);
    const key = await tenant.post<{ apiKey: string }>('/v1/api-keys', { name: 'Another' });
    const other = new Caller(key.body.apiKey);
    expect(parsed(key.headers['ratelimit-policy'])).toMatchObject({ tenant: { q: 12, w: 60 }, credential: { w: 60 } });
    expect(parsed(key.headers.ratelimit).tenant).toEqual({ r: 11, t: 60 });

    const callers = [tenant, other];
    for (let n = 10; n >= 0; n--) {
      const { status, headers } = await (callers[n % 2] as Caller).get('/v1/links');
      expect({ status, left: parsed(headers.ratelimit).tenant?.r }).toEqual({ status: 200, left: n });
    }
    for (const caller of callers) {
      const answer = await caller.get('/v1/links');
      expect(answer).toBeProblem(429, 'rate_limited');
      const wait = Number(answer.headers['retry-after']);
      expect(wait).toBeGreaterThan(0);
      expect(wait).toBeLessThanOrEqual(60);
      expect(parsed(answer.headers.ratelimit).tenant).toEqual({ r: 0, t: wait });
    }
    expect((await tenant.post('/v1/links', { url: 'https://example.com/' })).status).toBe(429);
  });

  it("does not touch another tenant's, nor the operators, nor visitors", async () => {
    const [full, other] = [await limited(1), await newTenant()];
    const domain = await newDomain(full, { rootUrl: 'https://example.com/' });
    expect(await full.get('/v1/links')).toBeProblem(429, 'rate_limited');
    expect((await other.get('/v1/links')).status).toBe(200);
    expect((await operator.get(`/v1/tenants/${full.tenantId}`)).status).toBe(200);
    expect((await visit(domain.hostname, '/')).status).toBe(302);
  });

  it('is another soon after a change of plan', async () => {
    const tenant = await limited(1);
    expect((await tenant.get('/v1/links')).status).toBe(200);
    expect(await tenant.get('/v1/links')).toBeProblem(429, 'rate_limited');
    await operator.patch(`/v1/tenants/${tenant.tenantId}`, { limits: { requestsPerMinute: 1_000 } });
    // Ten seconds, and what a busy machine adds.
    const next = await eventually(
      () => tenant.get('/v1/links'),
      ({ status }) => status === 200,
      20,
    );
    expect(parsed(next.headers['ratelimit-policy']).tenant).toEqual({ q: 1_000, w: 60 });
  }, 30_000);
});

describe('what is no answer of the API', () => {
  it('tells nobody of limits: redirects, health, metrics', async () => {
    const tenant = await newTenant();
    const link = await tenant.link();
    const answers = [
      await visit(tenant.domain, `/${link.key}`),
      await visit(tenant.domain, '/nothing-here'),
      await request('GET', `${underTest.opsUrl}/livez`),
      await request('GET', `${underTest.opsUrl}/readyz`),
      await request('GET', `${underTest.opsUrl}/metrics`),
    ];
    for (const { status, headers } of answers) {
      expect([200, 302, 404]).toContain(status);
      expect(Object.keys(headers).filter((name) => /ratelimit|retry-after/.test(name))).toEqual([]);
    }
  });

  it('operators are told of their credential alone', async () => {
    const { headers } = await operator.get('/v1/tenants');
    expect(Object.keys(parsed(headers['ratelimit-policy']))).toEqual(['credential']);
  });
});
