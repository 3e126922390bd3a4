import { describe, expect, it } from '@jest/globals';
import { Counter, Registry } from 'prom-client';
import { CountedHistogram } from './counted-histogram.js';
import { asOpenMetrics, asText, merge, type Metrics } from './metrics-of-processes.js';
import { WatchedGauge } from './watched-gauge.js';

/** A process that holds these bytes, and was last heard of so many seconds ago. */
async function processWith(bytes: number, age: number, traceId?: string): Promise<Metrics> {
  const register = new Registry();
  new Counter({ name: 'waypost_redirects_total', help: 'Visits', registers: [register] }).inc(bytes);
  const gauges = [
    ['waypost_spool_bytes', bytes],
    ['waypost_bus_heartbeat_age_seconds', age],
  ] as const;
  for (const [name, value] of gauges) {
    const gauge = new WatchedGauge({ name, help: name, aggregator: 'sum' });
    gauge.watch({} as never, () => value);
    register.registerMetric(gauge);
  }
  const took = new CountedHistogram({ name: 'waypost_took_seconds', help: 'Time', buckets: [1] }, register);
  took.of({}).add(0.5, 1, traceId);
  // As it arrives from another process.
  return structuredClone(await register.getMetricsAsJSON());
}

describe('the metrics of several processes', () => {
  it('are sums, and where the worst counts the worst', async () => {
    const text = await asText(merge([await processWith(3, 5), await processWith(4, 9)]));
    expect(text).toContain('\nwaypost_redirects_total 7\n');
    expect(text).toContain('\nwaypost_spool_bytes 7\n');
    expect(text).toContain('\nwaypost_bus_heartbeat_age_seconds 9\n');
    expect(text).toContain('\nwaypost_took_seconds_bucket{le="1"} 2\n');
  });

  it('keep an exemplar of one of them', async () => {
    const id = 'c'.repeat(32);
    const text = await asOpenMetrics(merge([await processWith(3, 5, id), await processWith(4, 9)]));
    expect(text).toContain(`waypost_took_seconds_bucket{le="1"} 2 # {trace_id="${id}"} 0.5 `);
  });

  it('name counters in OpenMetrics as that wants them, once and again', async () => {
    const metrics = await processWith(3, 5);
    for (const text of [await asOpenMetrics(metrics), await asOpenMetrics(metrics)]) {
      expect(text).toContain('# TYPE waypost_redirects counter\nwaypost_redirects_total 3\n');
    }
    expect(await asText(metrics)).toContain('# TYPE waypost_redirects_total counter\nwaypost_redirects_total 3\n');
  });
});
