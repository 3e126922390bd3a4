import { type Seen, Visitor, type Way } from './visitor.js';

/** What a visitor asks for next. */
type Next = () => { host: string; path: string };

/** One visit: when it was due and how long its answer took, in ms. */
interface Visit {
  at: number;
  took: number;
}

/** For so long nobody may be answered before visitors run out: a machine may stand still for a moment, and no visit is lost by that. */
const STALL_SECONDS = 5;

export const quantile = (values: number[], part: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
};

export const rounded = (ms: number): number => Math.round(ms * 10) / 10;

/** Visitors that follow links until told to stop. */
abstract class Load {
  readonly visitors: Visitor[];
  /** Answers by status. */
  readonly statuses = new Map<number, number>();
  readonly failures: string[] = [];
  protected stopped = false;

  constructor(
    way: Way,
    count: number,
    protected readonly next: Next,
  ) {
    this.visitors = Array.from({ length: count }, () => new Visitor(way));
  }

  get answered(): number {
    return this.statuses.get(302) ?? 0;
  }

  get repeated(): number {
    return this.visitors.reduce((sum, { repeated }) => sum + repeated, 0);
  }

  protected async visit(visitor: Visitor): Promise<Seen | undefined> {
    const { host, path } = this.next();
    try {
      const seen = await visitor.get(host, path);
      this.statuses.set(seen.status, (this.statuses.get(seen.status) ?? 0) + 1);
      return seen;
    } catch (error) {
      this.failures.push(String(error));
      visitor.leave();
      return undefined;
    }
  }
}

/** Each visitor asks again as soon as it has its answer; a failure is its last request. */
export class FullLoad extends Load {
  /** Nobody comes again who was told to leave. */
  polite = false;
  private readonly running = Promise.all(this.visitors.map((visitor) => this.follow(visitor)));

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
    for (const visitor of this.visitors) visitor.leave();
  }

  private async follow(visitor: Visitor): Promise<void> {
    while (!this.stopped && (await this.visit(visitor)) && !(this.polite && visitor.toldToLeave));
  }
}

/** So many visits a second, come what may; the time of each counts from when it was due. */
export class SteadyLoad extends Load {
  readonly visits: Visit[] = [];
  private readonly free = [...this.visitors];
  private readonly open = new Set<Promise<void>>();
  private readonly begun = performance.now();
  private due = 0;
  private readonly timer: NodeJS.Timeout;

  constructor(
    way: Way,
    private readonly rate: number,
    next: Next,
  ) {
    super(way, rate * STALL_SECONDS, next);
    this.timer = setInterval(() => this.tick(), 5);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.open);
    for (const visitor of this.visitors) visitor.leave();
  }

  /** p99 of each whole second, in ms; the median of these tells the service from a hiccup of the machine. */
  p99s(from = 0, to = Infinity): number[] {
    const seconds = new Map<number, number[]>();
    for (const { at, took } of this.visits) {
      if (at < from || at >= to) continue;
      const second = Math.floor(at / 1000);
      seconds.set(second, [...(seconds.get(second) ?? []), took]);
    }
    return [...seconds.values()].filter((times) => times.length > this.rate / 2).map((times) => quantile(times, 0.99));
  }

  /** Of all visits that were due in this time. */
  p99(from: number, to: number): number {
    const times = this.visits.filter(({ at }) => at >= from && at < to).map(({ took }) => took);
    return quantile(times, 0.99);
  }

  private tick(): void {
    const dueNow = Math.floor(((performance.now() - this.begun) / 1000) * this.rate);
    for (; this.due < dueNow; this.due++) {
      const visit = this.one(this.begun + (this.due * 1000) / this.rate).finally(() => this.open.delete(visit));
      this.open.add(visit);
    }
  }

  private async one(at: number): Promise<void> {
    const visitor = this.free.pop();
    if (!visitor) return void this.failures.push('All visitors still wait for an answer');
    await this.visit(visitor);
    this.visits.push({ at, took: performance.now() - at });
    this.free.push(visitor);
  }
}
