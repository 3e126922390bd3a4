import { type Customer, type Deployment, type RoleProcess } from './deployment.js';
import { invite } from './members.js';
import { Directory, scimGroup, scimUser } from './scim.js';
import { type Answer, type Caller, eventually, type LinkBody, request } from './waypost.js';

const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const VISITS = 20;

export const follow = ({ port }: RoleProcess, host: string, key: string): Promise<Answer<string>> =>
  request<string>('GET', `http://127.0.0.1:${port}/${key}`, { headers: { host, 'user-agent': BROWSER } });

export interface FullTenant {
  tenant: Customer;
  /** One that visitors follow, one that operators took down. */
  link: LinkBody;
  hidden: LinkBody;
}

const done = async <T>(answer: Promise<Answer<T>>): Promise<T> => {
  const { status, body } = await answer;
  if (status >= 300) throw new Error(`Refused: ${status} ${JSON.stringify(body)}`);
  return body;
};

/** A tenant that has some of everything, and whose clicks are all stored and audit events all chained. */
export async function fullTenant(deployment: Deployment, redirect: RoleProcess): Promise<FullTenant> {
  const tenant = await deployment.newTenant();
  const link = await tenant.link({ tags: ['söme', 'tag'], title: 'A “quoted”\n\\ title', externalId: 'x/1' });
  const [hidden, gone] = [await tenant.link(), await tenant.link()];
  await invite(tenant, { role: 'editor', restrictions: { tags: ['tag'] } });
  await done(tenant.post('/v1/api-keys', { name: 'Another', scopes: ['links:read'] }));
  await done(
    tenant.post('/v1/identity-providers', {
      name: 'Staff',
      issuer: 'https://id.example.com/realms/main',
      audience: 'waypost',
      roleClaim: 'roles',
      roleMapping: { it: 'admin' },
      defaultRole: 'viewer',
      emailDomains: ['example.com'],
    }),
  );
  const directory = await Directory.of(tenant);
  await scimGroup(directory, { members: [{ value: (await scimUser(directory)).id }] });
  await done(tenant.ask('PUT', '/v1/provisioning', { body: { groupRoles: { it: 'admin' }, defaultRole: 'viewer' } }));
  const policy = { deny: { domains: ['evil.example'] }, suspiciousHosts: 'warn' };
  await done(tenant.ask('PUT', '/v1/destination-policy', { body: policy }));
  await done(deployment.operator.post('/v1/ops/takedowns', { linkId: hidden.id, reason: 'Phishing' }));
  for (let visit = 0; visit < VISITS; visit++) await follow(redirect, tenant.domain, link.key);
  for (let visit = 0; visit < 3; visit++) await follow(redirect, tenant.domain, gone.key);
  await eventually(() => countOf(tenant), (clicks) => clicks === VISITS + 3, 60); // prettier-ignore
  await done(tenant.delete(`/v1/links/${gone.id}`));
  await chained(tenant);
  return { tenant, link, hidden };
}

export const countOf = async (caller: Caller): Promise<number> =>
  (await caller.get<{ clicks: number }>('/v1/analytics?groupBy=count')).body.clicks;

export interface Verified {
  intact: boolean;
  checked: number;
  pending: number;
  firstBreak: unknown;
}

/** Asking is an event itself, which is chained a moment later. */
export const verified = async (caller: Caller): Promise<Verified> =>
  (await caller.get<Verified>('/v1/audit-events/verify')).body;

const chained = async (caller: Caller): Promise<void> => {
  const { data } = (await caller.get<{ data: Array<{ id: string }> }>('/v1/audit-events?limit=1')).body;
  const isLast = (events: Array<{ id: string; sequence: number | null }>): boolean =>
    events.some(({ id, sequence }) => id === data[0]?.id && sequence !== null);
  await eventually(
    async () =>
      (await caller.get<{ data: Array<{ id: string; sequence: number | null }> }>('/v1/audit-events?limit=100')).body
        .data,
    isLast,
    30,
  );
};

const DAY_MS = 24 * 3600 * 1000;
const dayFrom = (days: number): string => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);
const AROUND = `start=${dayFrom(-2)}&end=${dayFrom(2)}`;

/** What analytics say of a tenant, question by question. */
export async function answers(caller: Caller): Promise<unknown[]> {
  const found: unknown[] = [];
  for (const by of ['count', 'timeseries', 'countries', 'browsers', 'top_links']) {
    const { status, body } = await caller.get<object>(`/v1/analytics?groupBy=${by}&${AROUND}`);
    if (status !== 200) throw new Error(`No answer by ${by}: ${status} ${JSON.stringify(body)}`);
    found.push([by, body]);
  }
  return found;
}
