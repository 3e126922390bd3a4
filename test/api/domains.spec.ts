import { beforeAll, describe, expect, it } from '@jest/globals';
import { type DomainBody, newDomain } from '../support/domains.js';
import { everything } from '../support/pages.js';
import {
  type LinkBody,
  localHostname,
  newTenant,
  type ProblemBody,
  type Tenant,
  unique,
  visit,
} from '../support/waypost.js';

const DOMAIN_FIELDS = [
  'caseSensitive', 'checkError', 'checkedAt', 'codeLength', 'createdAt', 'displayHostname', 'expiredUrl', 'hostname',
  'id', 'notFoundUrl', 'primary', 'rootUrl', 'slug', 'updatedAt', 'verification', 'verified', 'verifiedAt',
]; // prettier-ignore

let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

const get = async (id: string): Promise<DomainBody> => (await tenant.get<DomainBody>(`/v1/domains/${id}`)).body;

describe('adding a domain', () => {
  it('keeps every setting and says what proves that the hostname is yours', async () => {
    const name = unique();
    const settings = {
      caseSensitive: false,
      codeLength: 10,
      rootUrl: 'https://example.com/',
      notFoundUrl: 'https://example.com/404',
      expiredUrl: 'https://example.com/410',
    };
    const { status, body } = await tenant.post<DomainBody>('/v1/domains', {
      hostname: `Go.${name}.Bücher.example.`,
      ...settings,
    });

    expect(status).toBe(201);
    expect(Object.keys(body).sort()).toEqual(DOMAIN_FIELDS);
    expect(body).toMatchObject({
      ...settings,
      id: expect.stringMatching(/^dom_[0-7][0-9a-hjkmnp-tv-z]{25}$/),
      hostname: `go.${name}.xn--bcher-kva.example`,
      slug: `go.${name}.xn--bcher-kva.example`,
      displayHostname: `go.${name}.bücher.example`,
      primary: false,
      verified: false,
      verifiedAt: null,
      checkedAt: null,
      checkError: null,
      verification: {
        type: 'TXT',
        name: `_waypost.go.${name}.xn--bcher-kva.example`,
        value: expect.stringMatching(/^waypost-verify=[\w-]{22}$/),
      },
    });
    expect(await get(body.id)).toEqual(body);
  });

  it('gives what is left out its default, and takes slug for hostname', async () => {
    const hostname = `${unique()}.example`;
    const { body } = await tenant.post<DomainBody>('/v1/domains', { slug: hostname });
    const defaults = { caseSensitive: true, codeLength: 7, rootUrl: null, notFoundUrl: null, expiredUrl: null };
    expect(body).toMatchObject({ hostname, ...defaults });
  });

  it('takes localhost for verified, and links there redirect at once', async () => {
    const domain = await newDomain(tenant);
    expect(domain).toMatchObject({ verified: true, verifiedAt: domain.createdAt });
    const link = await tenant.link({ domain: domain.hostname });
    expect((await visit(domain.hostname, `/${link.key}`)).status).toBe(302);
  });

  it.each([
    '', ' ', 'example', 'https://go.example.com', 'go.example.com/path', 'go.example.com:8080',
    '127.0.0.1', '127.0.0.1:8080', '0x7f.1', '[::1]', '-a.example.com', 'a-.example.com', 'a..example.com', '.example.com',
    'a b.example.com', 'a@example.com', 'a?b.example.com', `${'x'.repeat(64)}.example`, `${'x.'.repeat(130)}example`,
    'localhost:99999999', '*.example.com', 'a\n.example.com',
  ])('refuses the hostname %j', async (hostname) => {
    const answer = await tenant.post<ProblemBody>('/v1/domains', { hostname });
    expect(answer).toBeProblem(422, 'invalid_input');
    expect(answer.body.errors).toMatchObject([{ pointer: '/hostname', code: 'invalid_hostname' }]);
  }); // prettier-ignore

  it.each([
    [{}, '/hostname'],
    [{ hostname: 'a.example', codeLength: 5 }, '/codeLength'],
    [{ hostname: 'a.example', codeLength: 13 }, '/codeLength'],
    [{ hostname: 'a.example', codeLength: 7.5 }, '/codeLength'],
    [{ hostname: 'a.example', rootUrl: 'ftp://a.example' }, '/rootUrl'],
    [{ hostname: 'a.example', notFoundUrl: 'javascript:1' }, '/notFoundUrl'],
    [{ hostname: 'a.example', primary: 'yes' }, '/primary'],
    [{ hostname: 'a.example', verified: true }, '/verified'],
  ])('refuses %j', async (body, pointer) => {
    const answer = await tenant.post<ProblemBody>('/v1/domains', body);
    expect(answer).toBeProblem(422, 'invalid_input');
    expect(answer.body.errors?.[0]?.pointer).toBe(pointer);
  });

  it('refuses a hostname that anybody has, in any spelling', async () => {
    const hostname = `${unique()}.bücher.example`;
    await newDomain(await newTenant(), { hostname });
    for (const spelled of [
      hostname,
      hostname.toUpperCase(),
      `${hostname}.`,
      hostname.replace('bücher', 'xn--bcher-kva'),
    ]) {
      expect(await tenant.post('/v1/domains', { hostname: spelled })).toBeProblem(409, 'hostname_taken');
    }
  });
});

describe('the primary domain', () => {
  it('is the first one, and then the one that is made primary', async () => {
    const own = await newTenant();
    const second = await newDomain(own);
    expect(second.primary).toBe(false);
    expect((await own.link()).domain).toBe(own.domain);

    expect((await own.patch<DomainBody>(`/v1/domains/${second.id}`, { primary: true })).body.primary).toBe(true);
    expect((await own.link()).domain).toBe(second.hostname);
    const third = await newDomain(own, { primary: true });
    const domains = await everything<DomainBody>(own, '/v1/domains?limit=2');
    expect(domains.map(({ id, primary }) => [id, primary])).toEqual([
      [own.domainId, false],
      [second.id, false],
      [third.id, true],
    ]);
  });

  it('can not be given up without another', async () => {
    const answer = await tenant.patch(`/v1/domains/${tenant.domainId}`, { primary: false });
    expect(answer).toBeProblem(409, 'primary_domain_needed');
    expect((await get(tenant.domainId)).primary).toBe(true);
  });

  it('is never missing: deleting it needs another first, but for the last one', async () => {
    const own = await newTenant();
    const second = await newDomain(own);
    expect(await own.delete(`/v1/domains/${own.domainId}`)).toBeProblem(409, 'primary_domain_needed');
    await own.patch(`/v1/domains/${second.id}`, { primary: true });
    expect((await own.delete(`/v1/domains/${own.domainId}`)).status).toBe(204);
    expect((await own.delete(`/v1/domains/${second.id}`)).status).toBe(204);
    expect((await newDomain(own)).primary).toBe(true);
  });
});

describe('changing and deleting a domain', () => {
  it.each([
    { codeLength: 12 },
    { rootUrl: 'https://example.com/r' },
    { notFoundUrl: 'https://example.com/n' },
    { expiredUrl: null },
    { caseSensitive: false },
  ])('changes %j and nothing else', async (change) => {
    const before = await newDomain(tenant, { expiredUrl: 'https://example.com/e' });
    const { body } = await tenant.patch<DomainBody>(`/v1/domains/${before.id}`, change);
    expect(body).toEqual({ ...before, ...change, updatedAt: expect.any(String) });
    expect(await get(before.id)).toEqual(body);
  });

  it.each(['hostname', 'slug', 'verifiedAt'])('does not take %s', async (field) => {
    const answer = await tenant.patch<ProblemBody>(`/v1/domains/${tenant.domainId}`, { [field]: 'a.example' });
    expect(answer.body.errors).toMatchObject([{ pointer: `/${field}`, code: 'unknown_field' }]);
  });

  it('does not change how keys are told apart once there are links', async () => {
    const domain = await newDomain(tenant);
    const link = await tenant.link({ domain: domain.hostname });
    const change = () => tenant.patch(`/v1/domains/${domain.id}`, { caseSensitive: false });
    expect(await change()).toBeProblem(409, 'domain_case_fixed');
    expect((await tenant.patch(`/v1/domains/${domain.id}`, { caseSensitive: true })).status).toBe(200);
    await tenant.delete(`/v1/links/${link.id}`);
    expect((await change()).status).toBe(200);
  });

  it('keeps a domain that has links, and deletes one that has none', async () => {
    const domain = await newDomain(tenant, { hostname: localHostname() });
    const link = await tenant.link({ domain: domain.hostname });
    expect(await tenant.delete(`/v1/domains/${domain.id}`)).toBeProblem(409, 'domain_in_use');
    expect((await tenant.get<LinkBody>(`/v1/links/${link.id}`)).body).toEqual(link);

    await tenant.delete(`/v1/links/${link.id}`);
    expect(await tenant.delete(`/v1/domains/${domain.id}`)).toMatchObject({ status: 204, text: '' });
    expect(await tenant.get(`/v1/domains/${domain.id}`)).toBeProblem(404, 'domain_not_found');
    expect((await newDomain(await newTenant(), { hostname: domain.hostname })).id).not.toBe(domain.id);
  });

  it('checks localhost without DNS', async () => {
    const { id } = await newDomain(tenant);
    const checked = await tenant.post<DomainBody>(`/v1/domains/${id}/verify`);
    expect(checked).toMatchObject({ status: 200, body: { verified: true, checkError: null } });
    expect(Date.parse(String(checked.body.checkedAt))).toBeGreaterThan(Date.now() - 10_000);
  });
});
