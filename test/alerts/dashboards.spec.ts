import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { PrometheusServer } from '../support/prometheus-server.js';
import { describeWithPrometheus } from '../support/promtool.js';
import { eventually, newTenant, type Tenant, underTest, visit } from '../support/waypost.js';
import { ROOT } from '../support/waypost-process.js';

const FOLDER = join(ROOT, 'helm/waypost/dashboards');

// What Grafana's schema of dashboards (version 39) asks of the parts that are used here; anything else is refused.
const datasource = z.strictObject({ type: z.literal('prometheus'), uid: z.literal('${datasource}') });
const target = z.strictObject({
  refId: z.string().regex(/^[A-Z]$/),
  datasource,
  expr: z.string().min(1),
  legendFormat: z.string(),
});
const panel = z.strictObject({
  id: z.int().positive(),
  type: z.enum(['timeseries', 'stat']),
  title: z.string().min(1),
  description: z.string().optional(),
  datasource,
  gridPos: z.strictObject({
    h: z.int().min(1),
    w: z.int().min(1).max(24),
    x: z.int().min(0).max(23),
    y: z.int().min(0),
  }),
  fieldConfig: z.strictObject({
    defaults: z.strictObject({ unit: z.string().min(1), min: z.number().optional(), max: z.number().optional() }),
    overrides: z.tuple([]),
  }),
  options: z.record(z.string(), z.unknown()),
  targets: z.array(target).min(1),
});
const dashboard = z.strictObject({
  title: z.string().min(1),
  uid: z
    .string()
    .regex(/^waypost-[a-z]+$/)
    .max(40),
  schemaVersion: z.int().min(39),
  version: z.int(),
  editable: z.boolean(),
  tags: z.array(z.string()),
  timezone: z.string(),
  refresh: z.string(),
  graphTooltip: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  time: z.strictObject({ from: z.string(), to: z.string() }),
  timepicker: z.strictObject({}),
  annotations: z.strictObject({ list: z.tuple([]) }),
  links: z.array(z.record(z.string(), z.unknown())),
  templating: z.strictObject({
    list: z.tuple([
      z.looseObject({ name: z.literal('datasource'), type: z.literal('datasource'), query: z.literal('prometheus') }),
      z.looseObject({ name: z.literal('namespace'), type: z.literal('query'), datasource, allValue: z.literal('.*') }),
    ]),
  }),
  panels: z.array(panel).min(1),
});

const files = readdirSync(FOLDER);
const read = (file: string): unknown => JSON.parse(readFileSync(join(FOLDER, file), 'utf8'));
const dashboards = files.map((file) => dashboard.parse(read(file)));

/** As Grafana would ask: its variables in place. */
const asked = (expr: string): string => expr.replaceAll('$namespace', '.*').replaceAll('$__rate_interval', '10s');
const queries = dashboards.flatMap(({ uid, panels }) =>
  panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [`${uid}: ${title}`, asked(expr)] as const)),
);

describe('a dashboard', () => {
  it('has an address of its own, and panels that do not overlap', () => {
    expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(files.length);
    for (const { panels } of dashboards) {
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, n) => `${x + (n % w)},${y + Math.floor(n / w)}`),
      );
      expect(new Set(cells).size).toBe(cells.length);
      expect(panels.every(({ gridPos: { x, w } }) => x + w <= 24)).toBe(true);
    }
  });
});

describeWithPrometheus('dashboards of a running Waypost', () => {
  let prometheus: PrometheusServer;
  let tenant: Tenant;
  const end = new AbortController();
  let load: Promise<void>;

  beforeAll(async () => {
    tenant = await newTenant();
    prometheus = await PrometheusServer.start([new URL(underTest.opsUrl).host]);
    load = visitors();
  }, 60_000);
  afterAll(async () => {
    end.abort();
    await load;
    await prometheus.stop();
  });

  async function visitors(): Promise<void> {
    const link = await tenant.link();
    while (!end.signal.aborted) {
      await visit(tenant.domain, `/${link.key}`);
      await tenant.get('/v1/links?limit=1');
      await sleep(50);
    }
  }

  it('have data for every query', async () => {
    const silent = await eventually(
      () => unanswered(),
      (left) => left.length === 0,
      60,
    ).catch(unanswered);
    expect(silent).toEqual([]);
  }, 90_000);

  async function unanswered(): Promise<string[]> {
    const answers = await Promise.all(
      queries.map(async ([name, expr]) => ({ name, expr, samples: await prometheus.query(expr) })),
    );
    // A value that is none (NaN) shows nothing.
    return answers
      .filter(({ samples }) => !samples.some(({ value: [, text] }) => Number.isFinite(Number(text))))
      .map(({ name, expr }) => `${name}: ${expr}`);
  }

  it('show 0, not nothing, where only an accident would make more', async () => {
    for (const name of [
      'waypost_clicks_shed_total',
      'waypost_dead_letters',
      'waypost_redirects_shed_total',
      'waypost_audit_faults_total',
      'waypost_clicks_dropped_total{reason="in_future"}',
      'waypost_redirect_request_duration_seconds_count{status="503"}',
    ]) {
      expect([name, await prometheus.query(name)]).toEqual([name, [expect.anything()]]);
    }
  });
});
