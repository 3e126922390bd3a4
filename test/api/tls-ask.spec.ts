import { beforeAll, describe, expect, it } from '@jest/globals';
import { asRole } from '../support/database.js';
import { newDomain } from '../support/domains.js';
import { type Answer, newTenant, operator, request, type Tenant, underTest, unique } from '../support/waypost.js';

const { apiUrl, tlsAskKey, platformKey } = underTest;

/** As Caddy asks: a GET on an address that holds the key as its password, of which its HTTP client makes a header. */
const basic = (password: string): string => `Basic ${Buffer.from(`tls:${password}`).toString('base64')}`;

const ask = (domain: string, authorization = basic(tlsAskKey)): Promise<Answer<unknown>> =>
  request('GET', `${apiUrl}/v1/ops/tls/ask?domain=${encodeURIComponent(domain)}`, { headers: { authorization } });

let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

describe('a TLS proxy that asks whether it may get a certificate', () => {
  it('hears yes for a domain that is verified, however it is written', async () => {
    for (const name of [tenant.domain, tenant.domain.toUpperCase(), tenant.domain.replace(':', '.:')]) {
      expect(await ask(name)).toMatchObject({ status: 204, text: '' });
    }
  });

  it('hears no for one that is not verified, or nobody’s, or no hostname at all', async () => {
    const { hostname, verified } = await newDomain(tenant, { hostname: `${unique()}.example` });
    expect(verified).toBe(false);
    for (const name of [hostname, `${unique()}.example`, `x.${tenant.domain}`, '203.0.113.7', '*', "' OR true --"]) {
      expect(await ask(name)).toBeProblem(404, 'domain_not_found');
    }
  });

  it('hears no as soon as a tenant is suspended, yes if its links go on, and no when it is deleted', async () => {
    const other = await newTenant();
    const change = (body: object) => operator.patch(`/v1/tenants/${other.tenantId}`, body);
    expect((await ask(other.domain)).status).toBe(204);
    await change({ suspended: true });
    expect((await ask(other.domain)).status).toBe(404);
    await change({ suspended: true, redirectsWhileSuspended: true });
    expect((await ask(other.domain)).status).toBe(204);
    await operator.delete(`/v1/tenants/${other.tenantId}`);
    expect((await ask(other.domain)).status).toBe(404);
  });

  it('is told what is wrong with a question without a domain', async () => {
    expect(await ask('')).toBeProblem(422, 'invalid_input');
    const bare = await request('GET', `${apiUrl}/v1/ops/tls/ask`, { headers: { authorization: basic(tlsAskKey) } });
    expect(bare).toBeProblem(422, 'invalid_input');
  });

  it('may show its key as a bearer token, and operators may ask with theirs', async () => {
    expect((await ask(tenant.domain, `Bearer ${tlsAskKey}`)).status).toBe(204);
    expect((await ask(tenant.domain, `Bearer ${platformKey}`)).status).toBe(204);
  });

  it.each([
    ['no key', ''],
    ['a wrong key', basic('x'.repeat(64))],
    ['nearly the key', basic(tlsAskKey.slice(1))],
    ['the key as the user', `Basic ${Buffer.from(`${tlsAskKey}:`).toString('base64')}`],
    ['the operators’ key as a password', basic(platformKey)],
  ])('hears nothing with %s', async (_name, authorization) =>
    expect(await ask(tenant.domain, authorization)).toBeProblem(401, 'unauthenticated'),
  );

  it('opens nothing else with its key', async () => {
    for (const [method, path] of [
      ['GET', '/v1/tenants'],
      ['POST', '/v1/tenants'],
      ['GET', '/v1/ops/dead-letters'],
      ['POST', '/v1/ops/takedowns'],
      ['GET', '/v1/audit-events'],
      ['GET', '/v1/links'],
      ['GET', '/v1/domains'],
    ] as const) {
      for (const authorization of [basic(tlsAskKey), `Bearer ${tlsAskKey}`]) {
        const answer = await request(method, apiUrl + path, { headers: { authorization } });
        expect(answer).toBeProblem(403, 'forbidden');
      }
    }
  });
});

describe('the database', () => {
  it('tells a tenant’s session nothing of whose domains are served', async () => {
    await asRole('waypost_app', async (client) => {
      await expect(client.query('SELECT is_served_domain($1)', [tenant.domain])).rejects.toMatchObject({
        code: '42501',
      });
    });
  });
});
