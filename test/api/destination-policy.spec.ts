import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newDomain } from '../support/domains.js';
import { everything } from '../support/pages.js';
import {
  type Answer,
  type Caller,
  type LinkBody,
  newTenant,
  operator,
  type ProblemBody,
  type Tenant,
  unique,
} from '../support/waypost.js';

const NOTHING = { domains: [], tlds: [], networks: [], patterns: [] };
const TENANTS = '/v1/destination-policy';
const PLATFORMS = '/v1/ops/destination-policy';

const put = (caller: Caller, body: unknown, path = TENANTS): Promise<Answer<ProblemBody>> =>
  caller.ask('PUT', path, { body });

const faultsOf = ({ status, body }: Answer<ProblemBody>): string[] =>
  status === 422 ? (body.errors ?? []).map(({ pointer, code }) => `${pointer} ${code}`) : [String(status)];

let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

describe("a tenant's destination policy", () => {
  it('is empty at first, and then what was put, each rule in its one form', async () => {
    expect((await tenant.get(TENANTS)).body).toEqual({ deny: NOTHING, allow: NOTHING, suspiciousHosts: 'warn' });
    const answer = await put(tenant, {
      deny: {
        domains: ['Bücher.example.', 'evil.example', 'EVIL.example'],
        tlds: ['.ZIP', 'co.uk'],
        networks: ['FD00::/8'],
        patterns: ['*/WP-login*'],
      },
      suspiciousHosts: 'refuse',
    });
    const kept = {
      deny: {
        domains: ['evil.example', 'xn--bcher-kva.example'],
        tlds: ['co.uk', 'zip'],
        networks: ['fd00::/8'],
        patterns: ['*/wp-login*'],
      },
      allow: NOTHING,
      suspiciousHosts: 'refuse',
    };
    expect([answer.status, answer.body]).toEqual([200, kept]);
    expect((await tenant.get(TENANTS)).body).toEqual(kept);
    expect((await put(tenant, {})).body).toEqual({ deny: NOTHING, allow: NOTHING, suspiciousHosts: 'warn' });
  });

  it.each([
    [{ deny: { domains: ['https://evil.example/'] } }, '/deny/domains/0 invalid_rule'],
    [{ deny: { tlds: ['*.zip'] } }, '/deny/tlds/0 invalid_rule'],
    [{ allow: { networks: ['10.0.0.1/8'] } }, '/allow/networks/0 invalid_rule'],
    [{ deny: { patterns: ['**'] } }, '/deny/patterns/0 invalid_rule'],
    [{ deny: { hosts: [] } }, '/deny/hosts unknown_field'],
    [{ suspiciousHosts: 'ignore' }, '/suspiciousHosts invalid_value'],
  ])('refuses %j', async (policy, fault) => expect(faultsOf(await put(tenant, policy))).toEqual([fault]));

  it('holds for links that are created, shortened or changed from then on', async () => {
    const { id } = await tenant.link({ url: 'https://denied.example/old' });
    await put(tenant, { deny: { domains: ['denied.example'], networks: ['10.0.0.0/8'] } });
    const url = 'https://deep.denied.example/x';

    expect(faultsOf(await tenant.post('/v1/links', { url }))).toEqual(['/url destination_denied']);
    expect(faultsOf(await tenant.post('/v1/shorten', { url }))).toEqual(['/url destination_denied']);
    expect(faultsOf(await tenant.post('/v1/links', { url: 'http://10.1.2.3/' }))).toEqual(['/url destination_denied']);
    expect(faultsOf(await tenant.post('/v1/links', { url: 'https://example.com/', expiredUrl: url }))).toEqual([
      '/expiredUrl destination_denied',
    ]);
    expect(faultsOf(await tenant.patch(`/v1/links/${id}`, { url }))).toEqual(['/url destination_denied']);
    // What is not about the destination can be changed all the same, but to switch it on again is to use it again.
    const disabledAt = new Date().toISOString();
    expect((await tenant.patch(`/v1/links/${id}`, { title: 'Old', disabledAt })).status).toBe(200);
    expect(faultsOf(await tenant.patch(`/v1/links/${id}`, { disabledAt: null }))).toEqual(['/url destination_denied']);

    await put(tenant, { allow: { domains: ['example.com'] } });
    expect(faultsOf(await tenant.post('/v1/links', { url }))).toEqual(['/url destination_not_allowed']);
    await tenant.link({ url: 'https://www.example.com/' });
    await put(tenant, {});
    await tenant.link({ url });
  });

  it('holds for the places a domain leads to', async () => {
    await put(tenant, { deny: { tlds: ['zip'] } });
    const { id } = await newDomain(tenant);
    for (const field of ['rootUrl', 'notFoundUrl', 'expiredUrl']) {
      const body = { [field]: 'https://report.zip/' };
      expect(faultsOf(await tenant.patch(`/v1/domains/${id}`, body))).toEqual([`/${field} destination_denied`]);
      const created = await tenant.post<ProblemBody>('/v1/domains', { hostname: `${unique()}.example`, ...body });
      expect(faultsOf(created)).toEqual([`/${field} destination_denied`]);
    }
    await put(tenant, {});
  });

  it('is nobody else’s business', async () => {
    const other = await newTenant();
    await put(tenant, { deny: { domains: ['mine.example'] } });
    await other.link({ url: 'https://mine.example/' });
    expect((await other.get<{ deny: unknown }>(TENANTS)).body.deny).toEqual(NOTHING);
    await put(tenant, {});
  });

  it('stands in the audit trail as it was and as it is', async () => {
    const other = await newTenant();
    await put(other, { deny: { domains: ['mine.example'] } });
    const [event] = await everything<Record<string, unknown>>(
      other,
      '/v1/audit-events?action=destination_policy.updated',
    );
    expect(event).toMatchObject({
      before: { deny: NOTHING },
      after: { deny: { ...NOTHING, domains: ['mine.example'] } },
    });
  });
});

describe('a domain that leads to a short domain', () => {
  it('is refused, for visitors could go round in circles', async () => {
    const { id, hostname } = await newDomain(tenant);
    for (const field of ['rootUrl', 'notFoundUrl', 'expiredUrl']) {
      const changed = await tenant.patch<ProblemBody>(`/v1/domains/${id}`, { [field]: `http://${hostname}/x` });
      expect(faultsOf(changed)).toEqual([`/${field} destination_loops`]);
    }
    const name = `${unique()}.example`;
    const created = await tenant.post<ProblemBody>('/v1/domains', { hostname: name, rootUrl: `https://${name}/` });
    expect(faultsOf(created)).toEqual(['/rootUrl destination_loops']);
  });
});

describe('hosts that look like others', () => {
  it.each([
    ['https://pаypal.com/', 'mixed_script_host'],
    ['https://аррӏе.com/', 'lookalike_host'],
  ])('are shown with a warning: %s', async (url, warning) => {
    const link = await tenant.link({ url });
    expect(link.warnings).toEqual([warning]);
    expect((await tenant.get<LinkBody>(`/v1/links/${link.id}`)).body.warnings).toEqual([warning]);
  });

  it('are refused where the policy says so', async () => {
    await put(tenant, { suspiciousHosts: 'refuse' });
    expect(faultsOf(await tenant.post('/v1/links', { url: 'https://аррӏе.com/' }))).toEqual(['/url suspicious_host']);
    await tenant.link({ url: 'https://bücher.example/' });
    await put(tenant, {});
  });
});

describe("the platform's destination policy", () => {
  afterAll(() => put(operator, {}, PLATFORMS));

  it('holds for every tenant, whatever its own allows, and is read and set by operators alone', async () => {
    const name = `${unique()}.example`;
    expect((await put(operator, { deny: { domains: [name] } }, PLATFORMS)).status).toBe(200);
    await put(tenant, { allow: { domains: [name] } });
    expect(faultsOf(await tenant.post('/v1/links', { url: `https://${name}/` }))).toEqual(['/url destination_denied']);
    await put(tenant, {});
    const other = await newTenant();
    expect(faultsOf(await other.post('/v1/links', { url: `https://${name}/` }))).toEqual(['/url destination_denied']);
    expect((await operator.get(PLATFORMS)).body).toMatchObject({ deny: { domains: [name] } });

    expect(await put(other, {}, PLATFORMS)).toBeProblem(403, 'forbidden');
    expect(await other.get(PLATFORMS)).toBeProblem(403, 'forbidden');
    expect(await operator.get(TENANTS)).toBeProblem(403, 'forbidden');
  });
});
