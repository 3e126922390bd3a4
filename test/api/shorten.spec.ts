import { beforeAll, describe, expect, it } from '@jest/globals';
import { newDomain } from '../support/domains.js';
import { codesAfter } from '../support/short-codes.js';
import { type LinkBody, newTenant, type Tenant, visit } from '../support/waypost.js';

interface Shortened {
  code: string;
  shortLink: string;
  id: string;
}

const url = 'https://example.com/long/page';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

describe('POST /v1/shorten', () => {
  const shorten = async (input: Record<string, unknown>, caller = tenant): Promise<Shortened> => {
    const { status, body } = await caller.post<Shortened>('/v1/shorten', { url, ...input });
    expect(status).toBe(201);
    return body;
  };
  const linkOf = async ({ id }: Shortened): Promise<LinkBody> => (await tenant.get<LinkBody>(`/v1/links/${id}`)).body;

  it('answers with code, shortLink and id alone, and the link is as any other', async () => {
    const shortened = await shorten({});
    expect(Object.keys(shortened).sort()).toEqual(['code', 'id', 'shortLink']);
    expect(shortened.shortLink).toBe(`http://${tenant.domain}/${shortened.code}`);
    expect(await linkOf(shortened)).toMatchObject({
      key: shortened.code,
      url,
      shortLink: shortened.shortLink,
      expiresAt: null,
    });
    expect((await visit(tenant.domain, `/${shortened.code}`)).headers.location).toBe(url);
  });

  it('makes another link each time the same URL is shortened', async () => {
    expect((await shorten({})).code).not.toBe((await shorten({})).code);
  });

  it('takes a key and a domain', async () => {
    const { hostname } = await newDomain(tenant);
    const shortened = await shorten({ key: 'mine', domain: hostname });
    expect(shortened).toMatchObject({ code: 'mine', shortLink: `http://${hostname}/mine` });
  });

  it('lets a link expire after ttl seconds', async () => {
    const asked = Date.now();
    const { expiresAt, createdAt } = await linkOf(await shorten({ ttl: 3600 }));
    expect(Date.parse(String(expiresAt)) - asked - 3_600_000).toBeGreaterThanOrEqual(0);
    expect(Date.parse(String(expiresAt)) - Date.parse(String(createdAt)) - 3_600_000).toBeLessThanOrEqual(0);

    const { code } = await shorten({ ttl: 1 });
    expect((await visit(tenant.domain, `/${code}`)).status).toBe(302);
    await new Promise((resolve) => setTimeout(resolve, 1_100)); // what is tested is that the time passes
    expect((await visit(tenant.domain, `/${code}`)).status).toBe(410);
  });

  it.each([
    [{ url, ttl: 0 }, '/ttl'],
    [{ url, ttl: -1 }, '/ttl'],
    [{ url, ttl: 1.5 }, '/ttl'],
    [{ url, ttl: '60' }, '/ttl'],
    [{ url, ttl: null }, '/ttl'],
    [{ url, ttl: 1e12 }, '/ttl'],
    [{}, '/url'],
    [{ url: null }, '/url'],
    [{ url, expiresAt: '2030-01-01T00:00:00Z' }, '/expiresAt'],
    [{ url, domain: 'nobody.example' }, '/domain'],
    [{ url, domain: '' }, '/domain'],
  ])('refuses %j', async (body, pointer) => {
    const answer = await tenant.post('/v1/shorten', body);
    expect(answer).toBeProblem(422, 'invalid_input');
    expect(answer.body).toMatchObject({ errors: [{ pointer }] });
  });

  it('generates 7 characters of base62, or what the domain asks for', async () => {
    expect((await shorten({})).code).toMatch(/^[0-9A-Za-z]{7}$/);
    for (const codeLength of [6, 12]) {
      const { hostname } = await newDomain(tenant, { codeLength });
      expect((await shorten({ domain: hostname })).code).toMatch(new RegExp(`^[0-9A-Za-z]{${codeLength}}$`));
    }
    const { id, hostname } = await newDomain(tenant);
    await tenant.patch(`/v1/domains/${id}`, { codeLength: 9 });
    expect((await shorten({ domain: hostname })).code).toHaveLength(9);
  });

  it('generates lower case alone where the domain does not tell case apart', async () => {
    const { hostname } = await newDomain(tenant, { caseSensitive: false, codeLength: 12 });
    for (let n = 0; n < 10; n++) expect((await shorten({ domain: hostname })).code).toMatch(/^[0-9a-z]{12}$/);
  });

  it('goes on to the next code when one meets a key that somebody chose', async () => {
    const domain = await newDomain(tenant);
    const { code } = await shorten({ domain: domain.hostname });
    const taken = await codesAfter(code, domain, 12);
    for (const key of taken) await shorten({ domain: domain.hostname, key });

    const next = await shorten({ domain: domain.hostname });
    expect(taken).not.toContain(next.code);
    expect((await visit(domain.hostname, `/${next.code}`)).status).toBe(302);
  });

  it('gives 10,000 links from 16 connections 10,000 distinct codes', async () => {
    const own = await newTenant();
    const codes = new Set<string>();
    let asked = 0;
    const connection = async (): Promise<void> => {
      while (asked++ < 10_000) codes.add((await shorten({}, own)).code);
    };
    await Promise.all(Array.from({ length: 16 }, connection));
    expect(codes.size).toBe(10_000);
  }, 120_000);
});

describe('generated codes', () => {
  it('tell neither their number nor their neighbours', async () => {
    const codes: string[] = [];
    for (let n = 0; n < 40; n++) codes.push((await tenant.post<Shortened>('/v1/shorten', { url })).body.code);
    expect(new Set(codes.map((code) => code.slice(0, 2))).size).toBeGreaterThan(30);
    expect([...codes].sort()).not.toEqual(codes);
  });
});
