import { describe, expect, it } from '@jest/globals';
import { eventually, newTenant, visit } from '../support/waypost.js';

describe('the main job', () => {
  it('shortens a URL, redirects a visitor and shows the click', async () => {
    const tenant = await newTenant();
    const shortened = await tenant.post<{ code: string; shortLink: string; id: string }>('/v1/shorten', {
      url: 'https://example.com/page',
    });
    expect(shortened.status).toBe(201);
    expect(shortened.body.shortLink).toBe(`http://${tenant.domain}/${shortened.body.code}`);

    const visited = await visit(tenant.domain, `/${shortened.body.code}`);
    expect(visited).toMatchObject({ status: 302, headers: { location: 'https://example.com/page' } });

    const count = () => tenant.get<{ clicks: number }>('/v1/analytics?groupBy=count');
    await eventually(count, ({ body }) => body.clicks === 1, 5);
  });
});
