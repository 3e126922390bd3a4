import { beforeAll, describe, expect, it } from '@jest/globals';
import { asRole } from '../support/database.js';
import { type DomainBody, newDomain } from '../support/domains.js';
import { everything } from '../support/pages.js';
import {
  type Answer,
  Caller,
  eventually,
  type LinkBody,
  localHostname,
  newTenant,
  operator,
  type ProblemBody,
  type Tenant,
  unique,
} from '../support/waypost.js';

/** How many answers there are of each kind: `{ '201': 1, '409 key_taken': 199 }`. */
const kindsOf = (answers: Array<Answer<unknown>>): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { status, body } of answers) {
    const kind = status < 400 ? String(status) : `${status} ${(body as ProblemBody).code}`;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
};
const atOnce = <T>(times: number, ask: (n: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: times }, (_, n) => ask(n)));

/** A tenant that has no domain yet. */
async function bareTenant(): Promise<Caller> {
  const slug = unique();
  const created = await operator.post<{ apiKey: string }>('/v1/tenants', { name: slug, slug });
  return new Caller(created.body.apiKey);
}

let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

describe('requests at the same time', () => {
  it('give a key asked for 200 times at once to one of them', async () => {
    const key = unique();
    const answers = await atOnce(200, (n) => tenant.post('/v1/links', { url: `https://example.com/${n}`, key }));

    expect(kindsOf(answers)).toEqual({ 201: 1, '409 key_taken': 199 });
    const winner = answers.find(({ status }) => status === 201);
    const found = await tenant.get<LinkBody>(`/v1/links/info?domain=${encodeURIComponent(tenant.domain)}&key=${key}`);
    expect(found.body).toEqual(winner?.body);
  });

  it('give an externalId to one of them', async () => {
    const externalId = unique();
    const answers = await atOnce(20, () => tenant.post('/v1/links', { url: 'https://example.com/', externalId }));
    expect(kindsOf(answers)).toEqual({ 201: 1, '409 external_id_taken': 19 });
  });

  it('make one of the first domains of a tenant its primary one', async () => {
    const bare = await bareTenant();
    const answers = await atOnce(10, () => bare.post<DomainBody>('/v1/domains', { hostname: localHostname() }));

    expect(kindsOf(answers)).toEqual({ 201: 10 });
    const domains = await everything<DomainBody>(bare, '/v1/domains');
    expect(domains.filter(({ primary }) => primary)).toHaveLength(1);
  });

  it('leave one primary domain when several are made primary', async () => {
    const bare = await bareTenant();
    const domains = [await newDomain(bare), await newDomain(bare), await newDomain(bare), await newDomain(bare)];
    const answers = await atOnce(20, (n) => bare.patch(`/v1/domains/${domains[n % 4]?.id}`, { primary: true }));

    expect(kindsOf(answers)).toEqual({ 200: 20 });
    const after = await everything<DomainBody>(bare, '/v1/domains');
    expect(after.filter(({ primary }) => primary)).toHaveLength(1);
  });

  it('give a hostname to one of two tenants', async () => {
    const hostname = localHostname();
    const tenants = [await bareTenant(), await bareTenant()];
    const answers = await Promise.all(tenants.map((caller) => caller.post('/v1/domains', { hostname })));

    expect(kindsOf(answers)).toEqual({ 201: 1, '409 hostname_taken': 1 });
  });

  it('give a slug to one of several tenants', async () => {
    const slug = unique();
    const answers = await atOnce(5, () => operator.post('/v1/tenants', { name: slug, slug }));
    expect(kindsOf(answers)).toEqual({ 201: 1, '409 slug_taken': 4 });
  });

  it('delete a link once', async () => {
    const link = await tenant.link();
    const answers = await atOnce(8, () => tenant.delete(`/v1/links/${link.id}`));
    expect(kindsOf(answers)).toEqual({ 204: 1, '404 link_not_found': 7 });
  });

  it('edit a link one after the other: no change is lost', async () => {
    const link = await tenant.link();
    const changes = [{ title: 'T' }, { comments: 'C' }, { maxClicks: 9 }, { tags: ['t'] }, { forwardQuery: true }];
    await Promise.all(changes.map((change) => tenant.patch(`/v1/links/${link.id}`, change)));
    const after = await tenant.get<LinkBody>(`/v1/links/${link.id}`);
    expect(after.body).toMatchObject(Object.assign({}, ...changes) as object);
  });

  it('refuse a link on a domain that is deleted under it', async () => {
    const { id, hostname } = await newDomain(tenant);
    const create = await asRole('postgres', async (client) => {
      const { rows } = await client.query<{ tenant_id: string; id: string }>(
        'SELECT tenant_id, id FROM domains WHERE hostname = $1',
        [hostname],
      );
      await client.query('BEGIN');
      await client.query('SELECT hold_domain($1, $2)', [rows[0]?.tenant_id, rows[0]?.id]);
      await client.query('DELETE FROM domains WHERE hostname = $1', [hostname]);
      const asked = tenant.post('/v1/links', { url: 'https://example.com/', domain: hostname });
      // The insert has found the domain, and waits to learn whether it stays.
      const waiting = () =>
        client.query(`SELECT FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'advisory')`);
      await eventually(waiting, ({ rowCount }) => rowCount !== 0);
      await client.query('COMMIT');
      return asked;
    });
    expect(create).toBeProblem(422, 'invalid_input');
    expect(create.body).toMatchObject({ errors: [{ pointer: '/domain', code: 'unknown_domain' }] });
    expect(await tenant.get(`/v1/domains/${id}`)).toBeProblem(404, 'domain_not_found');
  });
});
