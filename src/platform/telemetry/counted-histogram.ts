import { Histogram, type Registry } from 'prom-client';

interface Given<T extends string> {
  name: string;
  help: string;
  labels?: readonly T[];
  /** Upper bounds, ascending. */
  buckets: readonly number[];
}

interface Exemplar {
  labelSet: { trace_id: string };
  value: number;
  timestamp: number;
}

type Labels<T extends string> = Partial<Record<T, string | number>>;

/** Observations with the same labels. What is held by its user costs a search for the bound and nothing else. */
export class Series {
  private readonly counts: number[];
  private readonly exemplars: Array<Exemplar | undefined>;
  private sum = 0;
  private count = 0;

  constructor(
    private readonly name: string,
    private readonly labels: object,
    private readonly bounds: readonly number[],
  ) {
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0);
    this.exemplars = Array.from({ length: bounds.length + 1 });
  }

  /** @param times how often this was observed @param traceId of a sampled trace */
  add(value: number, times = 1, traceId?: string): void {
    let place = 0;
    while (place < this.bounds.length && value > Number(this.bounds[place])) place++;
    this.counts[place] = Number(this.counts[place]) + times;
    this.sum += value * times;
    this.count += times;
    if (traceId) this.exemplars[place] = { labelSet: { trace_id: traceId }, value, timestamp: Date.now() / 1000 };
  }

  /** As prom-client has the values of a histogram. */
  values(): object[] {
    let below = 0;
    const buckets = this.counts.map((count, place) => ({
      labels: { le: this.bounds[place] ?? '+Inf', ...this.labels },
      value: (below += count),
      metricName: `${this.name}_bucket`,
      exemplar: this.exemplars[place] ?? null,
    }));
    return [
      ...buckets,
      { labels: { ...this.labels }, value: this.sum, metricName: `${this.name}_sum` },
      { labels: { ...this.labels }, value: this.count, metricName: `${this.name}_count` },
    ];
  }
}

type Values<T extends string> = Awaited<ReturnType<Histogram<T>['get']>>;

/**
 * A histogram for what happens tens of thousands of times a second: one observation may stand for many, and nothing is
 * looked up by labels on the way. It keeps exemplars, for which prom-client would want a registry of OpenMetrics alone.
 */
export class CountedHistogram<T extends string = never> extends Histogram<T> {
  private readonly series = new Map<string, Series>();

  constructor(
    private readonly given: Given<T>,
    register: Registry,
  ) {
    const { name, help, labels = [], buckets } = given;
    super({ name, help, labelNames: labels, buckets: [...buckets], registers: [register] });
  }

  /** To be asked for once, and kept. */
  of(labels: Labels<T>): Series {
    const key = JSON.stringify(labels);
    const known = this.series.get(key);
    if (known) return known;
    const made = new Series(this.given.name, labels, this.given.buckets);
    this.series.set(key, made);
    return made;
  }

  override async get(): Promise<Values<T>> {
    const { name, help } = this.given;
    const values = this.series
      .values()
      .toArray()
      .flatMap((one) => one.values());
    return { name, help, type: 'histogram', values, aggregator: 'sum' } as unknown as Values<T>;
  }

  /** What prom-client asks instead, where a metric has it. */
  getForPromString(): Promise<Values<T>> {
    return this.get();
  }
}
