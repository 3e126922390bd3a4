import { beforeAll, describe, expect, it } from '@jest/globals';
import { type DomainBody, newDomain } from '../support/domains.js';
import { operationsOf, servedDocument } from '../support/openapi.js';
import { everything } from '../support/pages.js';
import { type LinkBody, newTenant, type ProblemBody, type Tenant, unique, visit } from '../support/waypost.js';

/** What the owner has, by which the stranger tries to get at it. */
interface Owned {
  link: LinkBody;
  domain: DomainBody;
  keyId: string;
  tenantId: string;
}

interface Call {
  query?: Record<string, string>;
  id?: string;
  body?: unknown;
  /** Status, and code of the problem. */
  answer: string;
}

const url = 'https://example.com/stranger';
const byLink = ({ link }: Owned): Call => ({ id: link.id, answer: '404 link_not_found' });
const byDomain = ({ domain }: Owned): Call => ({ id: domain.id, answer: '404 domain_not_found' });
const byKey = ({ keyId }: Owned): Call => ({ id: keyId, answer: '404 api_key_not_found' });
const byTenant = ({ tenantId }: Owned): Call => ({ id: tenantId, answer: '403 forbidden' });
const DEAD_LETTER = 'dead_01h455vb4pex5vsknk084sn02q';
const named = ({ link: { domain, key } }: Owned) => ({ domain, key });

/** One entry for each operation of the API: a new one fails the test until it has its own. */
const CALLS: Record<string, (owned: Owned) => Call[]> = {
  'GET /v1/links/{id}': (owned) => [byLink(owned)],
  'PATCH /v1/links/{id}': (owned) => [{ ...byLink(owned), body: { url } }],
  'DELETE /v1/links/{id}': (owned) => [byLink(owned)],
  'GET /v1/links/info': (owned) => [{ query: named(owned), answer: '404 link_not_found' }],
  'GET /v1/links': ({ domain }) => [{ query: { domain: domain.hostname, archived: 'all' }, answer: '200' }],
  'POST /v1/links': ({ domain }) => [{ body: { url, domain: domain.hostname }, answer: '422 invalid_input' }],
  'POST /v1/shorten': ({ domain }) => [{ body: { url, domain: domain.hostname }, answer: '422 invalid_input' }],
  'GET /v1/domains/{id}': (owned) => [byDomain(owned)],
  'PATCH /v1/domains/{id}': (owned) => [{ ...byDomain(owned), body: { rootUrl: url, primary: true } }],
  'DELETE /v1/domains/{id}': (owned) => [byDomain(owned)],
  'POST /v1/domains/{id}/verify': (owned) => [byDomain(owned)],
  'GET /v1/domains': () => [{ answer: '200' }],
  'POST /v1/domains': ({ domain }) => [{ body: { hostname: domain.hostname }, answer: '409 hostname_taken' }],
  'GET /v1/api-keys': () => [{ answer: '200' }],
  'POST /v1/api-keys': ({ tenantId }) => [{ body: { name: 'x', tenantId }, answer: '422 invalid_input' }],
  'DELETE /v1/api-keys/{id}': (owned) => [byKey(owned)],
  'GET /v1/analytics': (owned) => [
    { query: { linkId: owned.link.id }, answer: '404 link_not_found' },
    { query: named(owned), answer: '404 link_not_found' },
    { query: { domain: owned.domain.hostname }, answer: '404 domain_not_found' },
    { query: { groupBy: 'timeseries', linkId: owned.link.id }, answer: '404 link_not_found' },
    { query: { groupBy: 'cities', linkId: `-${owned.link.id}` }, answer: '404 link_not_found' },
    { query: { groupBy: 'top_links', interval: 'all', bots: 'true' }, answer: '200' },
    { query: { groupBy: 'top_tags', tag: SECRET, interval: 'all' }, answer: '200' },
    { query: { interval: 'all' }, answer: '200' },
  ],
  'GET /v1/analytics/export': (owned) => [
    { query: { linkId: owned.link.id }, answer: '404 link_not_found' },
    { query: named(owned), answer: '404 link_not_found' },
    { query: { domain: owned.domain.hostname }, answer: '404 domain_not_found' },
    { query: { format: 'ndjson', interval: 'all', bots: 'true' }, answer: '200' },
  ],
  // That it answers, and whose clicks, is in analytics-live.spec: this answer has no end.
  'GET /v1/analytics/live': (owned) => [
    { query: { linkId: owned.link.id }, answer: '404 link_not_found' },
    { query: named(owned), answer: '404 link_not_found' },
    { query: { domain: owned.domain.hostname }, answer: '404 domain_not_found' },
  ],
  'GET /v1/audit-events': ({ link }) => [{ query: { target: link.id }, answer: '200' }, { answer: '200' }],
  'GET /v1/tenant': () => [{ answer: '200' }],
  'PATCH /v1/tenant': ({ tenantId }) => [{ body: { id: tenantId, name: 'x' }, answer: '422 invalid_input' }],
  'GET /v1/tenants': () => [{ answer: '403 forbidden' }],
  'POST /v1/tenants': () => [{ body: { name: 'x', slug: unique() }, answer: '403 forbidden' }],
  'GET /v1/tenants/{id}': (owned) => [byTenant(owned)],
  'PATCH /v1/tenants/{id}': (owned) => [{ ...byTenant(owned), body: { name: 'x', suspended: true } }],
  'DELETE /v1/tenants/{id}': (owned) => [byTenant(owned)],
  'GET /v1/ops/dead-letters': () => [{ answer: '403 forbidden' }],
  'GET /v1/ops/dead-letters/{id}': () => [{ id: DEAD_LETTER, answer: '403 forbidden' }],
  'POST /v1/ops/dead-letters/{id}/redrive': () => [{ id: DEAD_LETTER, answer: '403 forbidden' }],
  'POST /v1/ops/dead-letters/redrive': () => [{ answer: '403 forbidden' }],
};

const SECRET = 'for the eyes of its owner';

let owner: Tenant;
let stranger: Tenant;
let owned: Owned;
let operations: string[];

beforeAll(async () => {
  [owner, stranger] = [await newTenant(), await newTenant()];
  await stranger.link();
  const domain = await newDomain(owner, { rootUrl: `https://example.com/${encodeURIComponent(SECRET)}` });
  // Checked just now: the upkeep has no reason to look at it meanwhile.
  for (const { id } of await everything<DomainBody>(owner, '/v1/domains')) await owner.post(`/v1/domains/${id}/verify`);
  const link = await owner.link({ domain: domain.hostname, key: unique(), title: SECRET, tags: [SECRET] });
  const key = await owner.post<{ id: string }>('/v1/api-keys', { name: SECRET });
  owned = { link, domain, keyId: key.body.id, tenantId: owner.tenantId };
  operations = operationsOf(await servedDocument()).map(({ name }) => name);
});

/** All that the owner can see of what it has. */
async function state(): Promise<unknown> {
  const keys = await everything<{ lastUsedAt: unknown }>(owner, '/v1/api-keys');
  return {
    tenant: (await owner.get('/v1/tenant')).body,
    links: await everything(owner, '/v1/links?archived=all'),
    domains: await everything(owner, '/v1/domains'),
    keys: keys.map((key) => ({ ...key, lastUsedAt: undefined })), // looking is a use, too
    events: await everything(owner, '/v1/audit-events'),
    clicks: (await owner.get('/v1/analytics?interval=all')).body,
  };
}

describe("another tenant's ids", () => {
  it('have an expectation for every operation there is', () => {
    expect(Object.keys(CALLS).sort()).toEqual([...operations].sort());
  });

  it.each(Object.keys(CALLS))('lead nowhere and change nothing: %s', async (operation) => {
    const before = await state();
    const [method = '', template = ''] = operation.split(' ');
    for (const { id = '', query = {}, body, answer } of CALLS[operation]?.(owned) ?? []) {
      const path = `${template.replace('{id}', id)}?${new URLSearchParams(query)}`;
      const seen = await stranger.ask<ProblemBody>(method, path, body === undefined ? {} : { body });

      expect(seen.status < 400 ? String(seen.status) : `${seen.status} ${seen.body.code}`).toBe(answer);
      expect(seen.text).not.toContain(SECRET);
      expect(seen.text.replaceAll(id || '-', '')).not.toMatch(
        new RegExp(`${owned.link.id}|${owned.domain.id}|${owned.keyId}|${owned.tenantId}`),
      );
    }
    expect(await state()).toEqual(before);
  });

  it('are answered as ids that nobody has', async () => {
    const facts = ({ status, body }: { status: number; body: ProblemBody }) => ({
      ...body,
      status,
      instance: '',
      traceId: '',
    });
    const nobodys = 'link_01h455vb4pex5vsknk084sn02q';
    for (const method of ['GET', 'DELETE']) {
      const theirs = await stranger.ask<ProblemBody>(method, `/v1/links/${owned.link.id}`);
      const none = await stranger.ask<ProblemBody>(method, `/v1/links/${nobodys}`);
      expect(facts(theirs)).toEqual(facts(none));
    }
  });

  it('leave their links redirecting', async () => {
    expect((await visit(owned.domain.hostname, `/${owned.link.key}`)).headers.location).toBe(owned.link.url);
  });
});
