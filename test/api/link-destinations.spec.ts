import { beforeAll, describe, expect, it } from '@jest/globals';
import { TypeID } from 'typeid-js';
import { asRole } from '../support/database.js';
import { type LinkBody, newTenant, type ProblemBody, type Tenant, unique, visit } from '../support/waypost.js';
import { newDomain } from '../support/domains.js';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

const withLength = (length: number): string =>
  `https://example.com/${'x'.repeat(length - 'https://example.com/'.length)}`;

describe('destinations', () => {
  const refused: Array<[string, string]> = [
    ['ftp://example.com/file', 'unsupported_scheme'],
    ['javascript:alert(1)', 'unsupported_scheme'],
    ['data:text/html,hi', 'unsupported_scheme'],
    ['mailto:a@example.com', 'unsupported_scheme'],
    ['/relative', 'invalid_url'],
    ['//example.com/page', 'invalid_url'],
    ['example.com', 'invalid_url'],
    ['', 'invalid_url'],
    ['http://', 'invalid_url'],
    ['https://exa mple.com/', 'invalid_url'],
    ['https://example.com:99999/', 'invalid_url'],
    ['https://user@example.com/', 'credentials_in_url'],
    ['https://user:secret@example.com/', 'credentials_in_url'],
    [withLength(8193), 'url_too_long'],
    // Short as it is typed, long as it is sent: each letter is six characters percent-encoded.
    [`https://example.com/${'é'.repeat(2000)}`, 'url_too_long'],
  ];

  it.each(refused)('refuses %s as %s', async (url, code) => {
    const answer = await tenant.post('/v1/links', { url });
    expect(answer).toBeProblem(422, 'invalid_input');
    expect(answer.body).toMatchObject({ errors: [{ pointer: '/url', code }] });
    expect(await tenant.post('/v1/shorten', { url })).toBeProblem(422, 'invalid_input');

    const expired = await tenant.post('/v1/links', { url: 'https://example.com/', expiredUrl: url });
    expect(expired.body).toMatchObject({ status: 422, errors: [{ pointer: '/expiredUrl', code }] });
  });

  it.each([
    ['HTTPS://Example.COM', 'https://example.com/'],
    ['  https://example.com/a  ', 'https://example.com/a'],
    ['http://example.com:80/', 'http://example.com/'],
    ['https://example.com/a b?c=d e#f', 'https://example.com/a%20b?c=d%20e#f'],
    ['http://[2001:db8::1]:8080/', 'http://[2001:db8::1]:8080/'],
    [withLength(8192), withLength(8192)],
  ])('keeps %s in canonical form', async (given, kept) => {
    const link = await tenant.link({ url: given });
    expect(link).toMatchObject({ url: kept, displayUrl: kept });
    expect((await visit(link.domain, `/${link.key}`)).headers.location).toBe(kept);
  });

  it('stores an internationalized host in ASCII and shows it in its own letters', async () => {
    const link = await tenant.link({ url: 'https://bücher.example:8443/straße?q=ü' });
    expect(link).toMatchObject({
      url: 'https://xn--bcher-kva.example:8443/stra%C3%9Fe?q=%C3%BC',
      displayUrl: 'https://bücher.example:8443/stra%C3%9Fe?q=%C3%BC',
    });
  });
});

/** As if its record stood in DNS. */
const prove = (domainId: string): Promise<unknown> =>
  asRole('postgres', (client) =>
    client.query('UPDATE domains SET verified_at = now() WHERE id = $1', [TypeID.fromString(domainId).toUUID()]),
  );

describe('destinations that lead in circles', () => {
  const faultsOf = async (change: Record<string, unknown>): Promise<string[]> => {
    const answer = await tenant.post<ProblemBody>('/v1/links', { url: 'https://example.com/', ...change });
    return answer.body.errors?.map(({ pointer, code }) => `${pointer} ${code}`) ?? [];
  };

  it('refuses a short domain of its own, also when a link is edited', async () => {
    expect(await faultsOf({ url: `http://${tenant.domain}/x` })).toEqual(['/url destination_loops']);
    expect(await faultsOf({ expiredUrl: `http://${tenant.domain}/x` })).toEqual(['/expiredUrl destination_loops']);

    const link = await tenant.link();
    const edited = await tenant.patch<LinkBody>(`/v1/links/${link.id}`, { url: `http://${tenant.domain}/${link.key}` });
    expect(edited).toBeProblem(422, 'invalid_input');
  });

  it("refuses another tenant's short domain, in any spelling", async () => {
    const other = await newTenant();
    const name = unique();
    const { id } = await newDomain(other, { hostname: `${name}.bücher.example` });
    await prove(id);

    expect(await faultsOf({ url: `http://${other.domain}/` })).toEqual(['/url destination_loops']);
    for (const host of [
      `${name}.bücher.example`,
      `${name.toUpperCase()}.XN--BCHER-KVA.example`,
      `${name}.bücher.example.`,
    ]) {
      expect(await faultsOf({ url: `https://${host}/x` })).toEqual(['/url destination_loops']);
      expect(await faultsOf({ url: `https://${host}:8443/x` })).toEqual(['/url destination_loops']);
    }
  });

  it('lets nobody keep others from a host by claiming it, and keeps whoever claims it from it', async () => {
    const other = await newTenant();
    const hostname = `${unique()}.example`;
    await newDomain(other, { hostname });

    expect(await faultsOf({ url: `https://${hostname}/x` })).toEqual([]);
    const own = await other.post<ProblemBody>('/v1/links', { url: `https://${hostname}/x` });
    expect(own.body).toMatchObject({ status: 422, errors: [{ pointer: '/url', code: 'destination_loops' }] });
  });

  it('allows localhost with a port that is no short domain, and a parent of a short domain', async () => {
    const [name = ''] = tenant.domain.split(':');
    const link = await tenant.link({ url: `http://${name}:1/x` });
    expect(link.url).toBe(`http://${name}:1/x`);
    await newDomain(tenant, { hostname: `${name}.example` });
    await expect(tenant.link({ url: 'https://example/' })).resolves.toMatchObject({ url: 'https://example/' });
  });
});
