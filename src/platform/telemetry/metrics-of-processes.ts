import {
  type Aggregator,
  AggregatorRegistry,
  Counter,
  Histogram,
  type Metric,
  type OpenMetricsContentType,
  type PrometheusContentType,
  Registry,
} from 'prom-client';
import { described, registry } from './registry.js';
// What they define is what this has to know the meaning of.
import './gauges.js';
import './metrics.js';

/** The metrics of a process as plain data, which can be sent to another. */
export type Metrics = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

// Ours say what they are of several processes. What is left out here is summed: counts, and gauges of what processes hold
// (bytes, handles, files).
const MEANING: Partial<Record<string, Aggregator>> = {
  // The one that started the others.
  process_start_time_seconds: 'min',
  nodejs_eventloop_lag_min_seconds: 'min',
  nodejs_version_info: 'first',
};
/** Of several event loops the worst: a mean would hide the one that hangs. */
const EVENT_LOOP_LAG = /^nodejs_eventloop_lag_/;

const meaningOf = (name: string): Aggregator =>
  described.get(name)?.aggregator ?? MEANING[name] ?? (EVENT_LOOP_LAG.test(name) ? 'max' : 'sum');

/** Several processes' metrics as those of one. */
export function merge(processes: Metrics[]): Metrics {
  const meant = processes.map((metrics) =>
    metrics.map((metric) => ({ ...metric, aggregator: meaningOf(metric.name) })),
  );
  const merged = AggregatorRegistry.aggregate<PrometheusContentType>(meant).getMetricsAsArray() as Metrics;
  const exemplars = new Map(
    processes.flatMap((metrics) =>
      metrics.flatMap(({ values }) =>
        (values as Valued[]).flatMap((value) => (value.exemplar ? [[placeOf(value), value.exemplar] as const] : [])),
      ),
    ),
  );
  if (exemplars.size === 0) return merged;
  return merged.map((metric) => ({
    ...metric,
    values: (metric.values as Valued[]).map((value) => ({ ...value, exemplar: exemplars.get(placeOf(value)) ?? null })),
  }));
}

/** As prom-client has a value of a histogram. Sums of several processes lose its exemplar: any of theirs will do. */
interface Valued {
  value: number;
  labels: Partial<Record<string, string | number>>;
  metricName?: string;
  exemplar?: object | null;
}

const placeOf = ({ metricName, labels }: Valued): string =>
  `${metricName} ${JSON.stringify(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)))}`;

/** As Prometheus reads it. */
export const asText = (metrics: Metrics): Promise<string> => holding(metrics, new Registry<PrometheusContentType>());

/** The same with exemplars, which the older format has no place for. */
export function asOpenMetrics(metrics: Metrics): Promise<string> {
  const page = new Registry<OpenMetricsContentType>();
  page.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  return holding(metrics, page);
}

function holding(
  metrics: Metrics,
  page: Registry<PrometheusContentType> | Registry<OpenMetricsContentType>,
): Promise<string> {
  for (const metric of metrics) {
    // For the newer format prom-client changes the names of counters, and asks by the changed ones: hence copies.
    const copy = { ...metric, get: async () => copy };
    page.registerMetric(copy as unknown as Metric);
  }
  return page.metrics();
}

/**
 * What of this process may never fall while the processes are looked at as one: its counters and histograms. Gauges
 * are not even read: a look at the event loop's lag begins its measurement anew.
 */
export async function counts(): Promise<Metrics> {
  const all = registry.getMetricsAsArray() as unknown[];
  return Promise.all(
    all.filter((metric) => metric instanceof Counter || metric instanceof Histogram).map((metric) => metric.get()),
  );
}

/** The counts of processes that are no more, as those of one. */
export const sumOfCounts = (all: Metrics[]): Metrics => merge(all);
