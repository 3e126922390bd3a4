import { beforeAll, describe, expect, it } from '@jest/globals';
import { changes } from '../support/audit.js';
import { asRole } from '../support/database.js';
import { everything } from '../support/pages.js';
import {
  type Answer,
  Caller,
  type LinkBody,
  newTenant,
  operator,
  request,
  type Tenant,
  underTest,
  unique,
} from '../support/waypost.js';

const url = 'https://example.com/';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

const post = (caller: Caller, path: string, body: unknown, key: string): Promise<Answer<Record<string, unknown>>> =>
  caller.post(path, body, { 'idempotency-key': key });

describe('the same Idempotency-Key', () => {
  const calls: Array<[string, () => [Caller, unknown]]> = [
    ['/v1/links', () => [tenant, { url, title: 'Once', tags: ['b', 'a'] }]],
    ['/v1/shorten', () => [tenant, { url }]],
    ['/v1/api-keys', () => [tenant, { name: 'Once' }]],
    ['/v1/domains', () => [tenant, { hostname: `${unique()}.example` }]],
    ['/v1/tenants', () => [operator, { name: 'Once', slug: unique() }]],
  ];
  it.each(calls)('gives the answer of POST %s again, byte for byte, and does nothing', async (path, call) => {
    const [caller, body] = call();
    const key = unique();
    const first = await post(caller, path, body, key);
    const second = await post(caller, path, body, key);

    expect([first.status, second.status]).toEqual([201, 201]);
    expect(first.headers['idempotency-replayed']).toBeUndefined();
    expect(second.headers['idempotency-replayed']).toBe('true');
    expect(second.text).toBe(first.text);
  });

  it('gives a secret that is shown once again to who has lost the answer, and the key works', async () => {
    const [first, second] = [
      await post(tenant, '/v1/api-keys', { name: 'Lost' }, 'lost-answer'),
      await post(tenant, '/v1/api-keys', { name: 'Lost' }, 'lost-answer'),
    ];
    expect(second.body.apiKey).toBe(first.body.apiKey);
    expect((await new Caller(String(second.body.apiKey)).get('/v1/tenant')).status).toBe(200);
    const keys = await everything<{ name: string }>(tenant, '/v1/api-keys');
    expect(keys.filter(({ name }) => name === 'Lost')).toHaveLength(1);
  });

  it('does not mind how the body is spelled', async () => {
    const key = unique();
    const headers = { authorization: `Bearer ${tenant.apiKey}`, 'idempotency-key': key };
    const spelled = (text: string) => request<LinkBody>('POST', `${underTest.apiUrl}/v1/links`, { raw: text, headers });
    const first = await spelled(`{"url":"${url}"}`);
    const second = await spelled(`{ "url" : "${url}" }`);
    expect(second.headers['idempotency-replayed']).toBe('true');
    expect(second.body).toEqual(first.body);
  });

  it('is refused with another body, and with another path', async () => {
    const key = unique();
    await post(tenant, '/v1/links', { url }, key);
    expect(await post(tenant, '/v1/links', { url, title: 'x' }, key)).toBeProblem(422, 'idempotency_key_reused');
    expect(await post(tenant, '/v1/shorten', { url }, key)).toBeProblem(422, 'idempotency_key_reused');
    expect((await post(tenant, '/v1/links', { url }, key)).headers['idempotency-replayed']).toBe('true');
  });

  it('sent 50 times at once creates one link', async () => {
    const own = await newTenant();
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(own, '/v1/links', { url }, 'fifty')));

    const made = answers.filter(({ status }) => status === 201);
    expect(new Set(made.map(({ body }) => body.id)).size).toBe(1);
    expect(made.filter(({ headers }) => headers['idempotency-replayed'] === undefined)).toHaveLength(1);
    for (const answer of answers) {
      if (answer.status === 201) continue;
      expect(answer).toBeProblem(409, 'idempotency_in_progress');
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    expect(await everything<LinkBody>(own, '/v1/links')).toHaveLength(1);
  });

  it('is as new after a request that failed', async () => {
    const taken = await tenant.link({ key: unique() });
    const key = unique();
    expect(await post(tenant, '/v1/links', { url, key: taken.key }, key)).toBeProblem(409, 'key_taken');
    expect(await post(tenant, '/v1/links', { url: 'nonsense' }, key)).toBeProblem(422, 'invalid_input');

    const corrected = await post(tenant, '/v1/links', { url }, key);
    expect(corrected.status).toBe(201);
    expect(corrected.headers['idempotency-replayed']).toBeUndefined();
  });

  it('leaves nothing of a request that failed', async () => {
    const own = await newTenant();
    const events = async () => (await changes(own)).length;
    const before = await events();
    const { key } = await own.link();
    await post(own, '/v1/links', { url, key, tags: ['lost'] }, 'failing');
    expect(await events()).toBe(before + 1);
    expect(await everything<LinkBody>(own, '/v1/links?tag=lost')).toEqual([]);
  });

  it('means something else for another API key and for another tenant', async () => {
    const key = unique();
    const first = await post(tenant, '/v1/links', { url }, key);
    const second = await tenant.post<{ apiKey: string }>('/v1/api-keys', { name: 'Second' });
    for (const caller of [new Caller(second.body.apiKey), await newTenant()]) {
      const answer = await post(caller, '/v1/links', { url, title: 'Another' }, key);
      expect(answer.status).toBe(201);
      expect(answer.body.id).not.toBe(first.body.id);
    }
  });

  it('is not looked at where nothing is created', async () => {
    const link = await tenant.link();
    const headers = { 'idempotency-key': unique() };
    for (const title of ['One', 'Two']) {
      const answer = await tenant.ask<LinkBody>('PATCH', `/v1/links/${link.id}`, { body: { title }, headers });
      expect(answer).toMatchObject({ status: 200, body: { title } });
    }
  });

  it.each(['', 'x'.repeat(256), 'with space', 'tab\tin'])('is refused when it is malformed: %j', async (key) => {
    const answer = await post(tenant, '/v1/links', { url }, key);
    expect(answer).toBeProblem(422, 'invalid_input');
    expect(answer.body).toMatchObject({ errors: [{ pointer: '/Idempotency-Key', code: 'invalid_header' }] });
  });

  it('may have 255 characters', async () => {
    expect((await post(tenant, '/v1/links', { url }, 'x'.repeat(255))).status).toBe(201);
  });

  it('does not open a door: credentials and permissions come first', async () => {
    const reader = await tenant.post<{ apiKey: string }>('/v1/api-keys', { name: 'Reader', scopes: ['links:read'] });
    expect(await post(new Caller(reader.body.apiKey), '/v1/links', { url }, 'door')).toBeProblem(403, 'forbidden');
    expect(await post(new Caller('nonsense'), '/v1/links', { url }, 'door')).toBeProblem(401, 'unauthenticated');
  });
});

describe('the stored answer', () => {
  it('can not be read in the database', async () => {
    const key = unique();
    const { body } = await post(tenant, '/v1/api-keys', { name: 'Sealed' }, key);
    const { rows } = await asRole('postgres', (client) =>
      client.query<{ sealed_body: Buffer; row: string }>(
        'SELECT sealed_body, r::text AS row FROM idempotency_records r WHERE key = $1',
        [key],
      ),
    );
    expect(rows).toHaveLength(1);
    const seen = `${rows[0]?.row}\n${rows[0]?.sealed_body.toString('latin1')}`;
    for (const part of [String(body.apiKey), String(body.id), 'Sealed', 'apiKey']) {
      expect(seen).not.toContain(part);
      expect(seen).not.toContain(Buffer.from(part).toString('hex'));
    }
  });
});
