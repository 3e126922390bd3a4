import { type Aggregator, collectDefaultMetrics, Counter, type Metric, Registry } from 'prom-client';
import type { Role } from '../config/config.js';
import { CountedHistogram } from './counted-histogram.js';
import { type Watched, WatchedGauge } from './watched-gauge.js';

export const registry = new Registry();

collectDefaultMetrics({ register: registry });

/** What is said of a metric of ours: docs/metrics.md is made of it. */
interface Definition<T extends string> {
  name: string;
  help: string;
  /** Those that have something to say; the others show nothing, or 0. */
  roles: readonly Role[];
  /** Names of a bounded set of values each: never a key, a URL, a tenant. */
  labels?: readonly T[];
}

/** What is there from the start, at 0: of a series that begins with its first event Prometheus sees no increase. */
interface Known<T extends string> {
  series?: ReadonlyArray<Record<T, string | number>>;
}

interface Described extends Definition<string> {
  type: 'counter' | 'gauge' | 'histogram';
  /** What several processes of one make of it; see metrics-of-processes.ts. */
  aggregator: Aggregator;
  buckets?: readonly number[];
}

export const ALL_ROLES = ['api', 'redirect', 'worker'] as const;

/** All metrics of ours by name, in the order in which they were defined. */
export const described = new Map<string, Described>();

/** Counts that a hot path keeps itself: looking a counter up by its labels would cost it more than all else it does. */
interface Tally {
  count: number;
}
const tallies = new Map<string, Array<() => void>>();

export function counter<T extends string = never>(given: Definition<T> & Known<T>): Counter<T> {
  const { name, help, labels = [], series = [] } = given;
  described.set(given.name, { ...given, type: 'counter', aggregator: 'sum' });
  const its = new Counter<T>({
    name,
    help,
    labelNames: labels,
    registers: [registry],
    collect: () => {
      for (const add of tallies.get(name) ?? []) add();
    },
  });
  for (const one of series) its.inc(one, 0);
  return its;
}

/** @returns what is added to this counter whenever metrics are read */
export function tallyOf<T extends string>(counter: Counter<T>, labels: Record<T, string>): Tally {
  const tally = { count: 0 };
  const { name } = counter as unknown as { name: string };
  const adds = tallies.get(name) ?? [];
  tallies.set(name, adds);
  adds.push(() => {
    counter.inc(labels, tally.count);
    tally.count = 0;
  });
  return tally;
}

/**
 * What only grows and is counted elsewhere. Its values are those of the process and read when metrics are.
 *
 * @returns takes another value of it, with its labels
 */
export function countedElsewhere<T extends string = never>(
  given: Definition<T>,
): (labels: Record<T, string>, read: () => number) => void {
  const { name, help, labels = [] } = given;
  const reads = new Map<string, { labels: Record<T, string>; read: () => number }>();
  described.set(given.name, { ...given, type: 'counter', aggregator: 'sum' });
  const counter: Counter<T> = new Counter<T>({
    name,
    help,
    labelNames: labels,
    registers: [registry],
    collect: () => {
      counter.reset();
      for (const { labels: its, read } of reads.values()) counter.inc(its, read());
    },
  });
  return (its, read) => void reads.set(JSON.stringify(its), { labels: its, read });
}

interface HistogramDefinition<T extends string> extends Definition<T>, Known<T> {
  buckets: readonly number[];
}

/** A sampled trace may be said with an observation: Prometheus keeps it as an exemplar. */
export function histogram<T extends string = never>(
  given: HistogramDefinition<T>,
): (labels: Record<T, string | number>, seconds: number, traceId?: string) => void {
  const its = countedHistogram<T>(given);
  return (labels, seconds, traceId) => its.of(labels).add(seconds, 1, traceId);
}

/** The same for who adds to it so often that looking for the labels would show: see `CountedHistogram.of`. */
export function countedHistogram<T extends string = never>(given: HistogramDefinition<T>): CountedHistogram<T> {
  described.set(given.name, { ...given, type: 'histogram', aggregator: 'sum' });
  const its = new CountedHistogram<T>(given, registry);
  for (const one of given.series ?? []) its.of(one);
  return its;
}

/** @param given `aggregator`: what it is of several processes that are looked at as one */
export function gauge<T extends string = never>(
  given: Definition<T> & { aggregator?: 'sum' | 'max' | 'min' },
): Watched<T> {
  const { aggregator = 'sum' } = given;
  described.set(given.name, { ...given, type: 'gauge', aggregator });
  const its = new WatchedGauge<T>({ ...given, aggregator });
  registry.registerMetric(its as Metric<T>);
  return its;
}
