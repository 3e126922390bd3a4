import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Customer, Deployment, clicksOf, type RoleProcess } from '../support/deployment.js';
import { scrape } from '../support/scrape.js';
import { type CollectedSpan, TraceCollector } from '../support/trace-collector.js';
import { eventually, type LinkBody, type ProblemBody, request } from '../support/waypost.js';

const OPENMETRICS = 'application/openmetrics-text;version=1.0.0';
let nextTrace = 1;
const newTraceId = (): string => (nextTrace++).toString(16).padStart(32, 'a');
const traceparent = (traceId: string, flags = '01'): Record<string, string> => ({
  traceparent: `00-${traceId}-00f067aa0ba902b7-${flags}`,
});

describe('traces', () => {
  let collector: TraceCollector;
  let deployment: Deployment;
  let tenant: Customer;
  let link: LinkBody;
  const roles = {} as Record<'api' | 'redirect' | 'worker', RoleProcess>;

  beforeAll(async () => {
    collector = await TraceCollector.start();
    deployment = await Deployment.open(20);
    for (const role of ['api', 'redirect', 'worker'] as const) {
      roles[role] = await deployment.start(role, undefined, {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
        OTEL_EXPORTER_OTLP_HEADERS: 'x-collector-token=a%20secret',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
        // Only what says so, so that each trace here is known.
        OTEL_TRACES_SAMPLER: 'parentbased_always_off',
        TRACE_REDIRECTS_RATIO: '0',
      });
    }
    tenant = await deployment.newTenant();
    link = await tenant.link();
  }, 90_000);
  afterAll(async () => {
    const codes = await deployment.close();
    collector.close();
    expect(codes).toEqual(codes.map(() => 0));
  }, 60_000);

  const visit = (headers: Record<string, string>, path = `/${link.key}`) =>
    request('GET', `http://127.0.0.1:${roles.redirect.port}${path}`, { headers: { host: tenant.domain, ...headers } });

  /** Each name with that of the span it is a part of. */
  const shape = (spans: CollectedSpan[]): string[] =>
    spans
      .map(({ name, parentSpanId, resource }) => {
        const parent = spans.find(({ spanId }) => spanId === parentSpanId);
        return `${String(resource['waypost.role'])}: ${name} in ${parent?.name ?? 'nothing'}`;
      })
      .toSorted();
  const traceOf = (traceId: string, spans: number): Promise<CollectedSpan[]> =>
    eventually(async () => collector.of(traceId), (found) => found.length >= spans, 60); // prettier-ignore

  it.each([
    ['the fast lane', ''],
    ['the full way', '?utm_source=a'],
  ])(
    'have a redirect, its click in spool and job, and its insert in one, by %s',
    async (_name, query) => {
      const traceId = newTraceId();
      // The first visit looks the link up.
      expect((await visit({})).status).toBe(302);
      expect((await visit(traceparent(traceId), `/${link.key}${query}`)).status).toBe(302);
      const spans = await traceOf(traceId, 4);
      expect(shape(spans)).toEqual([
        'redirect: GET /* in nothing',
        'redirect: spool click in GET /*',
        'worker: INSERT clicks in process click',
        'worker: process click in GET /*',
      ]);
      const [server, insert] = ['GET /*', 'INSERT clicks'].map((name) => spans.find((span) => span.name === name));
      expect(server).toMatchObject({
        kind: 2,
        parentSpanId: '00f067aa0ba902b7',
        attributes: { 'http.request.method': 'GET', 'http.response.status_code': 302 },
        resource: { 'service.name': 'waypost', 'deployment.environment.name': 'test' },
      });
      // Thousands of clicks share one statement: it is a trace of its own, to which each leads.
      const [batch] = insert?.links ?? [];
      const [whole] = await traceOf(batch?.traceId ?? '', 1);
      expect(whole).toMatchObject({ name: 'store clicks', spanId: batch?.spanId });
      expect(whole?.attributes['waypost.clicks.stored']).toBe(whole?.attributes['waypost.clicks']);
      // What is traced tells as little of visitors as a metric.
      expect(JSON.stringify(spans)).not.toContain(link.key);
      expect(JSON.stringify(spans)).not.toContain(tenant.domain);
      expect(JSON.stringify(spans)).not.toContain('127.0.0.1');
    },
    90_000,
  );

  it('leave the click as it would be without', async () => {
    const other = await tenant.link();
    for (const flags of ['00', '01']) {
      expect((await visit(traceparent(newTraceId(), flags), `/${other.key}?utm_source=ad&qr=1`)).status).toBe(302);
    }
    await eventually(() => clicksOf(tenant, other.id), (clicks) => clicks === 2, 60); // prettier-ignore
    for (const [groupBy, field, value] of [
      ['utm_source', 'utm_source', 'ad'],
      ['triggers', 'trigger', 'qr'],
    ]) {
      const { body } = await tenant.get<Array<Record<string, unknown>>>(
        `/v1/analytics?groupBy=${groupBy}&linkId=${other.id}`,
      );
      expect(body).toEqual([expect.objectContaining({ [`${field}`]: value, clicks: 2 })]);
    }
  }, 90_000);

  it('have a new link, its event and the delivery of that in one', async () => {
    const traceId = newTraceId();
    const { status } = await tenant.post('/v1/links', { url: 'https://example.com/' }, traceparent(traceId));
    expect(status).toBe(201);
    const spans = await traceOf(traceId, 3);
    expect(shape(spans)).toEqual([
      'api: POST /v1/links in nothing',
      'redirect: deliver link.created in publish link.created',
      'worker: publish link.created in POST /v1/links',
    ]);
    expect(spans.find(({ name }) => name === 'POST /v1/links')?.attributes).toMatchObject({
      'http.route': '/v1/links',
      'http.response.status_code': 201,
    });
  }, 90_000);

  it('are named in the log and in problems', async () => {
    const traceId = newTraceId();
    const { body } = await tenant.ask<ProblemBody>('GET', '/v1/links/link_01h455vb4pex5vsknk084sn02q', {
      headers: traceparent(traceId),
    });
    expect(body.traceId).toBe(traceId);
    await traceOf(traceId, 1);
    const line = roles.api.process
      .output()
      .split('\n')
      .find((one) => one.includes(traceId));
    expect(JSON.parse(line ?? '{}')).toMatchObject({ traceId, route: '/v1/links/:id', status: 404 });
  });

  it('are exemplars of how long a redirect took', async () => {
    const traceId = newTraceId();
    await visit(traceparent(traceId));
    await traceOf(traceId, 1);
    expect(await scrape(roles.redirect.ops, OPENMETRICS)).toMatch(
      new RegExp(`^waypost_redirect_request_duration_seconds_bucket\\{.*status="302"\\} \\d+ # \\{trace_id="${traceId}"`, 'm'), // prettier-ignore
    );
  });

  it('are not made of what nobody has sampled', async () => {
    const traceId = newTraceId();
    await visit(traceparent(traceId, '00'));
    await tenant.get('/v1/links', { headers: traceparent(traceId, '00') });
    // What comes after them has arrived, so they would have.
    const later = newTraceId();
    await Promise.all([visit(traceparent(later)), tenant.get('/v1/links', { headers: traceparent(later) })]);
    await traceOf(later, 5);
    expect(collector.of(traceId)).toEqual([]);
  }, 90_000);

  it('do not follow everybody who says that he is traced', async () => {
    const ids = Array.from({ length: 400 }, () => newTraceId());
    const since = performance.now();
    await Promise.all(ids.map((id) => visit(traceparent(id))));
    const windows = Math.floor((performance.now() - since) / 1000) + 2;
    const last = newTraceId();
    await eventually(async () => {
      await visit(traceparent(last));
      return collector.of(last);
    }, (found) => found.length > 0, 30); // prettier-ignore
    const followed = ids.filter((id) => collector.of(id).length > 0).length;
    expect(followed).toBeGreaterThan(0);
    expect(followed).toBeLessThanOrEqual(100 * windows);
  }, 90_000);

  it('send what the operator wants sent with them', () => {
    expect(new Set(collector.headers.map((headers) => headers['x-collector-token']))).toEqual(new Set(['a secret']));
  });

  it('keep nobody waiting while the collector is away, and are counted as failed', async () => {
    collector.status = 400;
    expect((await visit(traceparent(newTraceId()))).status).toBe(302);
    await eventually(
      () => scrape(roles.redirect.ops),
      (text) => /^waypost_trace_spans_total\{outcome="failed"\} [1-9]/m.test(text),
      30,
    );
    expect(roles.redirect.process.output()).toContain('Traces can not be exported');
    collector.status = 200;
  }, 60_000);

  it('are sent before the process ends, which does not wait for a collector that hangs', async () => {
    const traceId = newTraceId();
    await visit(traceparent(traceId));
    expect(await deployment.stop(roles.redirect)).toBe(0);
    expect(collector.of(traceId).map(({ name }) => name)).toContain('GET /*');

    roles.redirect = await deployment.start('redirect', roles.redirect, {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      TRACE_REDIRECTS_RATIO: '1',
    });
    collector.silent = true;
    expect((await visit({})).status).toBe(302);
    expect(await deployment.stop(roles.redirect)).toBe(0);
    collector.silent = false;
  }, 60_000);
});
