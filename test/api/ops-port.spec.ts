import { describe, expect, it } from '@jest/globals';
import { newTenant, request, underTest, unique, visit } from '../support/waypost.js';

const ops = (path: string, method = 'GET') => request<string>(method, underTest.opsUrl + path);

describe('the ops port', () => {
  it('has health and metrics, to be read, and nothing else', async () => {
    for (const path of ['/livez', '/readyz', '/metrics']) {
      expect((await ops(path)).status).toBe(200);
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) expect((await ops(path, method)).status).toBe(404);
    }
    for (const path of ['/', '/v1/tenant', '/v1/openapi.json', '/docs', '/.well-known/security.txt']) {
      expect((await ops(path)).status).toBe(404);
    }
  });

  it('tells of no tenant, link, key or visitor', async () => {
    const tenant = await newTenant();
    const link = await tenant.link({ key: unique('key') });
    await visit(tenant.domain, `/${link.key}`);
    await tenant.get(`/v1/links/${link.id}`);
    const searched = unique('search');
    await tenant.get(`/v1/links?search=${searched}`);
    const { text } = await ops('/metrics');
    expect(text).toContain('route="/v1/links/:id"');
    expect(text).not.toMatch(/\b(tnt|dom|link|key|mem|evt)_[0-9a-z]{26}\b/);
    for (const name of [tenant.domain, link.key, searched, tenant.apiKey, '127.0.0.1']) {
      expect(text).not.toContain(name);
    }
  });
});
