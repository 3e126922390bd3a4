import { type Aggregator, Gauge } from 'prom-client';

/** Undefined: nothing can be told, and so no sample is shown. */
type Reading = number | undefined;
type Read = () => Reading | Promise<Reading>;

interface Given<T extends string> {
  name: string;
  help: string;
  labels?: readonly T[];
  aggregator: Aggregator;
}

export interface Watched<T extends string> {
  /** @param read is called when metrics are read; it must neither hang nor throw: see slow-look.ts */
  watch(labels: Record<T, string>, read: Read): void;
}

/** A gauge whose samples are read when metrics are. Where nothing is watched it has none. */
export class WatchedGauge<T extends string = never> extends Gauge<T> implements Watched<T> {
  private readonly sources = new Map<string, { labels: Record<T, string>; read: Read }>();

  constructor({ name, help, labels = [], aggregator }: Given<T>) {
    super({ name, help, labelNames: labels, aggregator, registers: [] });
  }

  watch(labels: Record<T, string>, read: Read): void {
    this.sources.set(JSON.stringify(labels), { labels, read });
  }

  override async get(): ReturnType<Gauge<T>['get']> {
    const readings = await Promise.all(
      this.sources
        .values()
        .toArray()
        .map(async ({ labels, read }) => ({ labels, value: await read() })),
    );
    // Without labels there is a sample of 0 to begin with.
    this.reset();
    this.remove({});
    for (const { labels, value } of readings) if (value !== undefined) this.set(labels, value);
    return super.get();
  }
}
