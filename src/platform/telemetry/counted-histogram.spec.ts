import { describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { CountedHistogram } from './counted-histogram.js';
import { asOpenMetrics } from './metrics-of-processes.js';

const made = (): { histogram: CountedHistogram<'status'>; register: Registry } => {
  const register = new Registry();
  const given = { name: 'took_seconds', help: 'How long it took', labels: ['status'] as const, buckets: [0.1, 1] };
  return { histogram: new CountedHistogram(given, register), register };
};

describe('CountedHistogram', () => {
  it('counts one observation for as many as it stands for, in every bucket from its own on', async () => {
    const { histogram, register } = made();
    histogram.of({ status: 302 }).add(0.1, 3);
    histogram.of({ status: 302 }).add(0.5);
    histogram.of({ status: 404 }).add(7, 2);
    const text = await register.metrics();
    expect(text.split('\n').filter((line) => line.startsWith('took'))).toEqual([
      'took_seconds_bucket{le="0.1",status="302"} 3',
      'took_seconds_bucket{le="1",status="302"} 4',
      'took_seconds_bucket{le="+Inf",status="302"} 4',
      'took_seconds_sum{status="302"} 0.8',
      'took_seconds_count{status="302"} 4',
      'took_seconds_bucket{le="0.1",status="404"} 0',
      'took_seconds_bucket{le="1",status="404"} 0',
      'took_seconds_bucket{le="+Inf",status="404"} 2',
      'took_seconds_sum{status="404"} 14',
      'took_seconds_count{status="404"} 2',
    ]);
  });

  it('shows the latest sampled trace of each bucket', async () => {
    const { histogram, register } = made();
    const series = histogram.of({ status: 302 });
    series.add(0.05, 1, 'a'.repeat(32));
    series.add(0.06, 1, 'b'.repeat(32));
    series.add(0.07);
    const text = await asOpenMetrics(await register.getMetricsAsJSON());
    expect(text).toMatch(
      new RegExp(`took_seconds_bucket{le="0.1",status="302"} 3 # {trace_id="${'b'.repeat(32)}"} 0.06 [0-9.]+\n`),
    );
    expect(text).not.toContain('a'.repeat(32));
    expect(text.endsWith('# EOF\n')).toBe(true);
  });
});
