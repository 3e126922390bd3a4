import { beforeAll, describe, expect, it } from '@jest/globals';
import { changes, type EventBody } from '../support/audit.js';
import { newDomain } from '../support/domains.js';
import { invite } from '../support/members.js';
import { everything } from '../support/pages.js';
import { type Answer, Caller, newTenant, operator, type ProblemBody, type Tenant, unique } from '../support/waypost.js';

let tenant: Tenant;
let actor: string;
beforeAll(async () => {
  tenant = await newTenant();
  actor = String((await tenant.link()).createdBy);
});

const eventsOf = (target: string, caller: Caller = tenant): Promise<EventBody[]> =>
  changes(caller, `?target=${target}`);

describe('the audit trail', () => {
  it('has who did what to a link, with what it was before and after', async () => {
    const link = await tenant.link({ title: 'Before', tags: ['a'] });
    const { body: edited } = await tenant.patch<Record<string, unknown>>(`/v1/links/${link.id}`, {
      title: 'After',
      tags: [],
    });
    await tenant.delete(`/v1/links/${link.id}`);

    const [deleted, updated, created, ...rest] = await eventsOf(link.id);
    expect(rest).toEqual([]);
    expect(Object.keys(created ?? {}).sort()).toEqual([
      'action', 'actor', 'addressPrefix', 'after', 'before', 'id', 'occurredAt', 'requestId', 'sequence', 'target',
    ]); // prettier-ignore
    expect(created).toMatchObject({
      id: expect.stringMatching(/^evt_/),
      action: 'link.created',
      actor,
      target: { type: 'link', id: link.id },
      before: null,
      after: link,
      addressPrefix: '127.0.0.0/24',
    });
    expect(updated).toMatchObject({ action: 'link.updated', actor, before: link, after: edited });
    expect(deleted).toMatchObject({ action: 'link.deleted', actor, before: edited, after: null });
    expect(Math.abs(Date.now() - Date.parse(String(created?.occurredAt)))).toBeLessThan(10_000);
  });

  it('has what was done to a domain, and to the tenant by whom', async () => {
    const own = await newTenant();
    const domain = await newDomain(own);
    await own.patch(`/v1/domains/${domain.id}`, { codeLength: 9 });
    await own.delete(`/v1/domains/${domain.id}`);
    expect((await eventsOf(domain.id, own)).map(({ action }) => action)).toEqual([
      'domain.deleted',
      'domain.updated',
      'domain.created',
    ]);

    await own.patch('/v1/tenant', { name: 'By itself' });
    await operator.patch(`/v1/tenants/${own.tenantId}`, { name: 'By operators' });
    const events = await eventsOf(own.tenantId, own);
    expect(events.map((event) => [event.action, event.actor === 'platform', event.after?.name])).toEqual([
      ['tenant.updated', true, 'By operators'],
      ['tenant.updated', false, 'By itself'],
      ['tenant.created', true, expect.any(String)],
    ]);
  });

  it('has the coming and going of API keys, and none of their secrets', async () => {
    const own = await newTenant();
    const { body: key } = await own.post<{ id: string; apiKey: string }>('/v1/api-keys', { name: 'Audited' });
    await own.delete(`/v1/api-keys/${key.id}`);

    const { apiKey, ...shown } = key;
    expect(await eventsOf(key.id, own)).toMatchObject([
      { action: 'api_key.revoked', target: { type: 'api_key', id: key.id }, before: shown, after: null },
      { action: 'api_key.created', before: null, after: shown },
    ]);
    const all = JSON.stringify(await everything<EventBody>(own, '/v1/audit-events'));
    for (const secret of [apiKey, own.apiKey]) expect(all).not.toContain(secret.slice(25, 57));
  });

  it('has nothing of what was refused, or only read and not sensitive', async () => {
    const before = await changes(tenant);
    const key = unique();
    const link = await tenant.link({ key });
    await tenant.post('/v1/links', { url: 'https://example.com/', key });
    await tenant.post('/v1/links', { url: 'nonsense' });
    await tenant.patch(`/v1/links/${link.id}`, { expiresAt: '2020-01-01T00:00:00Z', startsAt: '2021-01-01T00:00:00Z' });
    await tenant.get(`/v1/links/${link.id}`);
    expect(await changes(tenant)).toHaveLength(before.length + 1);
  });

  it('is listed newest first, every event once, by action and by target', async () => {
    const own = await newTenant();
    const links = [await own.link(), await own.link(), await own.link()];
    for (const { id } of links) await own.patch(`/v1/links/${id}`, { title: 'x' });

    const all = await changes(own, '?limit=2');
    expect(all.map(({ action }) => action)).toEqual([
      ...Array<string>(3).fill('link.updated'),
      ...Array<string>(3).fill('link.created'),
      'domain.created',
      'api_key.created',
      'tenant.created',
    ]);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    const updates = await everything<EventBody>(own, '/v1/audit-events?limit=2&action=link.updated');
    expect(updates.map(({ target }) => target.id)).toEqual(links.map(({ id }) => id).toReversed());
    expect(await everything(own, `/v1/audit-events?action=link.created&target=${links[0]?.id}`)).toHaveLength(1);
    expect(await everything(own, '/v1/audit-events?action=nothing')).toEqual([]);
  });

  it('is narrowed to an actor and to a time', async () => {
    const own = await newTenant();
    const { body: key } = await own.post<{ id: string; apiKey: string }>('/v1/api-keys', { name: 'Another' });
    const [first] = await changes(own, '?action=api_key.created');
    await new Caller(key.apiKey).link();
    expect((await changes(own, `?actor=${key.id}`)).map(({ action }) => action)).toEqual(['link.created']);

    const since = first?.occurredAt ?? '';
    const actions = async (query: string) => (await changes(own, query)).map(({ action }) => action);
    expect(await actions(`?from=${since}`)).toEqual(['link.created', 'api_key.created']);
    expect(await actions(`?to=${since}`)).toEqual(['domain.created', 'api_key.created', 'tenant.created']);
    expect(await actions(`?from=${since}&to=${since}`)).toEqual([]);
    expect(await own.get('/v1/audit-events?from=yesterday')).toBeProblem(422, 'invalid_input');
  });

  it('has who read what is sensitive, once for all pages', async () => {
    const own = await newTenant();
    const link = await own.link();
    const reads = async () =>
      (await everything<EventBody>(own, '/v1/audit-events'))
        .filter(({ action }) => /\.(listed|exported|streamed|verified)$/.test(action))
        .map(({ action, after, target }) => [action, after, target.id])
        .toReversed();
    await own.get('/v1/audit-events?action=link.created');
    await everything(own, '/v1/api-keys?limit=1');
    await everything(own, '/v1/members?limit=1');
    await own.ask('HEAD', '/v1/analytics/live?country=DE');
    await own.get(`/v1/analytics/export?format=csv&linkId=${link.id}`);
    await own.get('/v1/audit-events/verify?fromSequence=1');
    await own.get('/v1/audit-events/export?action=link.created');
    expect(await reads()).toEqual([
      ['audit_event.listed', { action: 'link.created' }, own.tenantId],
      ['api_key.listed', null, own.tenantId],
      ['member.listed', null, own.tenantId],
      ['click.streamed', expect.objectContaining({ country: expect.anything() }), own.tenantId],
      ['click.exported', expect.objectContaining({ format: 'csv', linkId: expect.anything() }), own.tenantId],
      ['audit_event.verified', { fromSequence: 1 }, own.tenantId],
      ['audit_event.exported', { action: 'link.created' }, own.tenantId],
    ]);
  });

  it('has every reader of a list: a cursor is good for nobody else', async () => {
    const own = await newTenant();
    for (let n = 0; n < 2; n++) await invite(own);
    const { body } = await own.post<{ apiKey: string }>('/v1/api-keys', { name: 'Another' });
    const another = new Caller(body.apiKey);
    for (const path of ['/v1/audit-events', '/v1/api-keys', '/v1/members']) {
      const first = await own.get<{ nextCursor: string }>(`${path}?limit=1`);
      const next = `${path}?limit=1&cursor=${first.body.nextCursor}`;
      expect([path, (await own.get(next)).status]).toEqual([path, 200]);
      expect(await another.get(next)).toBeProblem(422, 'invalid_input');
    }
  });

  it('is exported whole, oldest first, as OCSF', async () => {
    const own = await newTenant();
    const link = await own.link({ title: 'Exported' });
    const answer = await own.get<string>('/v1/audit-events/export');
    expect(answer.headers['content-type']).toBe('application/x-ndjson; charset=utf-8');
    const lines = answer.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines.map(({ class_uid }) => class_uid)).toEqual(lines.map(() => 6003));
    expect(lines.map(({ api }) => (api as { operation: string }).operation)).toEqual([
      'tenant.created',
      'api_key.created',
      'domain.created',
      'link.created',
      'audit_event.exported',
    ]);
    expect(lines[3]).toMatchObject({
      resources: [{ uid: link.id }],
      src_endpoint: { name: '127.0.0.0/24' },
      unmapped: { before: null, after: link },
    });
    expect((await own.get<string>('/v1/audit-events/export?action=nothing')).text).toBe('');
  });

  it("is the platform's own for its operators", async () => {
    const [latest] = await everything<EventBody>(operator, '/v1/audit-events?action=audit_event.listed&limit=1');
    expect(latest ?? { actor: 'platform' }).toMatchObject({ actor: 'platform' });
    const { id } = await tenant.link();
    expect(await everything(operator, `/v1/audit-events?target=${id}`)).toEqual([]);
  });

  it.each(['POST', 'PATCH', 'DELETE'])('takes no %s', async (method) => {
    const [event] = await everything<EventBody>(tenant, '/v1/audit-events?limit=1');
    expect(await tenant.ask(method, '/v1/audit-events')).toBeProblem(405, 'method_not_allowed');
    expect(await tenant.ask(method, `/v1/audit-events/${event?.id}`)).toBeProblem(404, 'not_found');
  });
});

describe('request ids and traces', () => {
  const create = (headers: Record<string, string>): Promise<Answer<{ id: string }>> =>
    tenant.post<{ id: string }>('/v1/links', { url: 'https://example.com/' }, headers);

  it("keeps the caller's X-Request-Id, and puts it in the audit event", async () => {
    const requestId = `req-${unique()}`;
    const { headers, body } = await create({ 'x-request-id': requestId });
    expect(headers['x-request-id']).toBe(requestId);
    expect((await eventsOf(body.id))[0]?.requestId).toBe(requestId);
  });

  it.each(['', 'with space', 'x'.repeat(129), 'quote"', '<b>'])('gives one of its own instead of %j', async (given) => {
    const { headers, body } = await create({ 'x-request-id': given });
    expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect((await eventsOf(body.id))[0]?.requestId).toBe(headers['x-request-id']);
  });

  it('says the request id with every answer, refused ones too', async () => {
    for (const path of ['/v1/nothing', '/v1/links/x', '/v1/links/%', '/v1/openapi.json']) {
      const { headers } = await tenant.get(path, { headers: { 'x-request-id': 'mine' } });
      expect(headers['x-request-id']).toBe('mine');
    }
  });

  it("continues the caller's trace into problems", async () => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    for (const path of ['/v1/nothing', '/v1/links/x', '/v1/links/%']) {
      const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;
      const { body } = await tenant.get<ProblemBody>(path, { headers: { traceparent } });
      expect(body).toMatchObject({ traceId, instance: path });
    }
  });

  it.each([
    'nonsense',
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-4bf92f3577b34da6a3ce929d0e0e4736-${'0'.repeat(16)}-01`,
  ])('starts a trace of its own instead of %s', async (traceparent) => {
    const { body } = await tenant.get<ProblemBody>('/v1/nothing', { headers: { traceparent } });
    expect(body.traceId).toMatch(/^(?!0{32})[0-9a-f]{32}$/);
    expect(traceparent).not.toContain(body.traceId);
  });
});
