import {
  type Aggregator,
  AggregatorRegistry,
  Counter,
  Histogram,
  type PrometheusContentType,
  type Registry,
} from 'prom-client';
import { registry } from './metrics.js';

/** The metrics of a process as plain data, which can be sent to another. */
export type Metrics = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;

// What is left out here is summed: counts, and gauges of what processes hold (bytes, entries, files).
const MEANING: Partial<Record<string, Aggregator>> = {
  // An edit is in force everywhere when the last has heard of it.
  waypost_bus_heartbeat_age_seconds: 'max',
  // The one that started the others.
  process_start_time_seconds: 'min',
  nodejs_eventloop_lag_min_seconds: 'min',
  nodejs_version_info: 'first',
};
/** Of several event loops the worst: a mean would hide the one that hangs. */
const EVENT_LOOP_LAG = /^nodejs_eventloop_lag_/;

const meaningOf = (name: string): Aggregator => MEANING[name] ?? (EVENT_LOOP_LAG.test(name) ? 'max' : 'sum');

/** Several processes' metrics as those of one. */
export function merge(processes: Metrics[]): Registry<PrometheusContentType> {
  const meant = processes.map((metrics) =>
    metrics.map((metric) => ({ ...metric, aggregator: meaningOf(metric.name) })),
  );
  return AggregatorRegistry.aggregate<PrometheusContentType>(meant);
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
export const sumOfCounts = (all: Metrics[]): Metrics => merge(all).getMetricsAsArray() as Metrics;
