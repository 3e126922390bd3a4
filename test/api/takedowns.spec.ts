import { beforeAll, describe, expect, it } from '@jest/globals';
import { asRole } from '../support/database.js';
import { newDomain } from '../support/domains.js';
import { everything } from '../support/pages.js';
import {
  type Answer,
  eventually,
  type LinkBody,
  newTenant,
  operator,
  type Tenant,
  unique,
  visit,
} from '../support/waypost.js';

interface TakedownBody {
  id: string;
  tenantId: string;
  linkId: string;
  liftedAt: string | null;
  [field: string]: unknown;
}

const PATH = '/v1/ops/takedowns';
const reason = 'Phishing, reported by a bank';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

async function takenDown(link: LinkBody, more: object = {}): Promise<TakedownBody> {
  const answer = await operator.post<TakedownBody>(PATH, { linkId: link.id, reason, ...more });
  expect(answer.status).toBe(201);
  return answer.body;
}

const answers = (link: LinkBody, check: (answer: Answer<string>) => boolean): Promise<Answer<string>> =>
  eventually(() => visit(link.domain, `/${link.key}`), check);

describe('a takedown', () => {
  it('lets visitors find nothing, and operators its facts', async () => {
    const link = await tenant.link({ url: 'https://example.com/bad', redirectStatus: 301 });
    await answers(link, ({ status }) => status === 301);
    const takedown = await takenDown(link);
    expect(takedown).toEqual({
      id: expect.stringMatching(/^tkd_/),
      tenantId: tenant.tenantId,
      linkId: link.id,
      domain: link.domain,
      key: link.key,
      shortLink: link.shortLink,
      url: link.url,
      reason,
      warning: false,
      createdAt: expect.any(String),
      liftedAt: null,
    });
    const { text } = await answers(link, ({ status }) => status === 404);
    expect(text).toBe((await visit(link.domain, `/${unique()}`)).text);
    expect(await everything(operator, `${PATH}?inForce=true`)).toContainEqual(takedown);
  });

  it('shows visitors a warning if asked for, with the headers of every page, and counts no click', async () => {
    const link = await tenant.link();
    await takenDown(link, { warning: true });
    const { headers, text } = await answers(link, ({ status }) => status === 410);
    expect(text).toContain('This link was taken down');
    expect(headers).toMatchObject({
      'cache-control': 'private, no-cache',
      'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    expect(headers.location).toBeUndefined();
    expect((await tenant.get<LinkBody>(`/v1/links/${link.id}`)).body).toMatchObject({ takedown: 'warning', clicks: 0 });
  });

  it('finds a link by domain and key, as visitors spell them', async () => {
    const domain = await newDomain(tenant, { caseSensitive: false });
    const link = await tenant.link({ domain: domain.hostname, key: `Grün-${unique()}` });
    const { body } = await operator.post<TakedownBody>(PATH, {
      domain: domain.hostname.toUpperCase(),
      key: link.key.toUpperCase(),
      reason,
    });
    expect(body.linkId).toBe(link.id);
  });

  it('can not be undone or got around by the tenant', async () => {
    const link = await tenant.link({ disabledAt: new Date().toISOString() });
    await takenDown(link);
    const path = `/v1/links/${link.id}`;
    for (const change of [
      { disabledAt: null },
      { key: unique() },
      { url: 'https://example.com/other' },
      { title: 'x' },
    ]) {
      expect(await tenant.patch(path, change)).toBeProblem(409, 'link_taken_down');
    }
    expect(await tenant.patch(path, { takedown: null })).toBeProblem(422, 'invalid_input');
    expect(await tenant.delete(path)).toBeProblem(409, 'link_taken_down');
    expect(await tenant.post('/v1/links', { url: link.url, key: link.key })).toBeProblem(409, 'key_taken');
    expect((await tenant.get<LinkBody>(path)).body).toMatchObject({ takedown: 'hidden', url: link.url });
  });

  it('is kept by the database itself', async () => {
    const link = await tenant.link();
    const other = await tenant.link();
    await takenDown(link);
    const uuid = await asRole('postgres', async (client) => {
      const sql = 'SELECT tenant_id AS uuid FROM links WHERE key = $1 AND takedown IS NOT NULL';
      return (await client.query<{ uuid: string }>(sql, [link.key])).rows[0]?.uuid;
    });
    await asRole('waypost_app', async (client) => {
      const asTenant = async (sql: string, value?: unknown): Promise<number | null> => {
        await client.query('BEGIN');
        await client.query(`SET LOCAL app.tenant_id = '${uuid}'`);
        try {
          return (await client.query(sql, value === undefined ? [] : [value])).rowCount;
        } finally {
          await client.query('COMMIT');
        }
      };
      expect(await asTenant(`UPDATE links SET title = 'seen' WHERE key = $1`, other.key)).toBe(1);
      expect(await asTenant('UPDATE links SET takedown = NULL WHERE key = $1', link.key)).toBe(0);
      expect(await asTenant('DELETE FROM links WHERE key = $1', link.key)).toBe(0);
      const own = asTenant(`UPDATE links SET takedown = 'hidden' WHERE key = $1`, other.key);
      await expect(own).rejects.toMatchObject({ code: '42501' });
      expect(await asTenant('SELECT FROM takedowns')).toBe(0);
      const search = asTenant('SELECT * FROM find_link_anywhere(NULL, NULL, NULL, $1)', uuid);
      await expect(search).rejects.toMatchObject({ code: '42501' });
    });
  });

  it("stands in the tenant's audit trail with its reason, and so does its end", async () => {
    const link = await tenant.link();
    const { id } = await takenDown(link);
    expect((await operator.delete(`${PATH}/${id}`)).status).toBe(204);
    const events = await everything<Record<string, unknown>>(tenant, `/v1/audit-events?target=${link.id}`);
    expect(events.map(({ action, actor }) => [action, actor])).toEqual([
      ['link.takedown_lifted', 'platform'],
      ['link.taken_down', 'platform'],
      ['link.created', expect.stringMatching(/^key_/)],
    ]);
    expect(events[1]).toMatchObject({ before: { takedown: null }, after: { takedown: 'hidden', reason } });
    const done = await everything<Record<string, unknown>>(operator, `/v1/audit-events?target=${id}`);
    expect(done.map(({ action, actor }) => [action, actor])).toEqual([
      ['takedown.lifted', 'platform'],
      ['takedown.created', 'platform'],
    ]);
    expect(done[1]).toMatchObject({ after: { tenantId: tenant.tenantId, linkId: link.id, reason, liftedAt: null } });
    expect(done[0]).toMatchObject({ after: { liftedAt: expect.any(String) } });
  });

  it('ends when it is lifted: the link is again what its tenant says', async () => {
    const link = await tenant.link();
    const { id } = await takenDown(link);
    await answers(link, ({ status }) => status === 404);
    expect((await operator.delete(`${PATH}/${id}`)).status).toBe(204);
    await answers(link, ({ headers }) => headers.location === link.url);
    expect((await tenant.patch(`/v1/links/${link.id}`, { title: 'Mine again' })).status).toBe(200);
    expect(await operator.delete(`${PATH}/${id}`)).toBeProblem(404, 'takedown_not_found');
    const listed = (await everything<TakedownBody>(operator, PATH)).find((one) => one.id === id);
    expect(listed?.liftedAt).toEqual(expect.any(String));
    await takenDown(link);
  });

  it('is made once, of a link that is there, by operators', async () => {
    const link = await tenant.link();
    await takenDown(link);
    expect(await operator.post(PATH, { linkId: link.id, reason })).toBeProblem(409, 'already_taken_down');
    const nobodys = 'link_01h455vb4pex5vsknk084sn02q';
    expect(await operator.post(PATH, { linkId: nobodys, reason })).toBeProblem(404, 'link_not_found');
    for (const name of [
      { domain: 'none.example', key: link.key },
      { domain: link.domain, key: unique() },
    ]) {
      expect(await operator.post(PATH, { ...name, reason })).toBeProblem(404, 'link_not_found');
    }
    for (const bad of [{}, { linkId: link.id, key: link.key }, { domain: link.domain }]) {
      expect(await operator.post(PATH, { ...bad, reason })).toBeProblem(422, 'invalid_input');
    }
    expect(await operator.post(PATH, { linkId: link.id })).toBeProblem(422, 'invalid_input');
    expect(await tenant.post(PATH, { linkId: link.id, reason })).toBeProblem(403, 'forbidden');
  });

  it('is made once, however often it is asked for with one Idempotency-Key', async () => {
    const link = await tenant.link();
    const headers = { 'idempotency-key': unique() };
    const [first, again] = [
      await operator.post(PATH, { linkId: link.id, reason }, headers),
      await operator.post(PATH, { linkId: link.id, reason }, headers),
    ];
    expect([first.status, again.status, again.body]).toEqual([201, 201, first.body]);
  });

  it('does not keep a deleted tenant from being cleared away', async () => {
    const leaving = await newTenant();
    await takenDown(await leaving.link());
    expect((await operator.delete(`/v1/tenants/${leaving.tenantId}`)).status).toBe(204);
    const left = (): Promise<number | null> =>
      asRole('postgres', async (client) => {
        return (await client.query('SELECT FROM domains WHERE hostname = $1', [leaving.domain])).rowCount;
      });
    await eventually(left, (rows) => rows === 0, 100);
  }, 120_000);
});
