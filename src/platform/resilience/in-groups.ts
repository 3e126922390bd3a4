import { LRUCache } from 'lru-cache';

interface Item<Given, Result> {
  given: Given;
  /** Until it is turned away. */
  timer?: NodeJS.Timeout;
  resolve: (result: Result | PromiseLike<Result>) => void;
  reject: (error: unknown) => void;
}

interface Lane<Given, Result> {
  running: number;
  waiting: Array<Item<Given, Result>>;
}

/** For so long, in ms, all of a kind go by themselves after a group of it has failed: the work on that was for nothing. */
const APART_MS = 1_000;

/**
 * What comes while others of its kind are carried out waits for them, and is then carried out together with whatever has
 * come by then. Where little comes, everything goes at once and by itself.
 */
export class InGroups<Given, Result> {
  private readonly lanes = new Map<string, Lane<Given, Result>>();
  /** Kinds of which all go by themselves. */
  private readonly apart = new LRUCache<string, true>({ max: 1_000, ttl: APART_MS });

  /**
   * @param atOnce groups of a kind that are carried out at the same time
   * @param most how many a group has
   * @param patience in ms: whoever has waited that long is turned away, with `tooLate`
   * @param carryOut gives the results in order, or does nothing and fails
   * @param parts whether after this failure each is carried out by itself; else all have failed
   */
  constructor(
    private readonly atOnce: number,
    private readonly most: number,
    private readonly patience: number,
    private readonly tooLate: () => Error,
    private readonly carryOut: (kind: string, group: Given[]) => Promise<Result[]>,
    private readonly parts: (error: unknown) => boolean,
  ) {}

  async run(kind: string, given: Given): Promise<Result> {
    if (this.apart.has(kind)) return this.alone(kind, given);
    const lane = this.lanes.get(kind) ?? { running: 0, waiting: [] };
    this.lanes.set(kind, lane);
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const item: Item<Given, Result> = { given, resolve, reject };
    lane.waiting.push(item);
    if (lane.running < this.atOnce) void this.next(kind, lane);
    else item.timer = setTimeout(() => this.turnAway(item, lane), this.patience);
    return promise;
  }

  private async next(kind: string, lane: Lane<Given, Result>): Promise<void> {
    lane.running++;
    while (lane.waiting.length > 0) await this.settle(kind, lane.waiting.splice(0, this.most));
    lane.running--;
    if (lane.running === 0) this.lanes.delete(kind);
  }

  private turnAway(item: Item<Given, Result>, lane: Lane<Given, Result>): void {
    lane.waiting.splice(lane.waiting.indexOf(item), 1);
    item.reject(this.tooLate());
  }

  private async settle(kind: string, group: Array<Item<Given, Result>>): Promise<void> {
    for (const { timer } of group) clearTimeout(timer);
    try {
      const results = await this.carryOut(
        kind,
        group.map(({ given }) => given),
      );
      group.forEach(({ resolve }, at) => resolve(results[at] as Result));
    } catch (error) {
      if (group.length === 1 || !this.parts(error)) {
        for (const { reject } of group) reject(error);
        return;
      }
      this.apart.set(kind, true);
      for (const { given, resolve } of group) resolve(this.alone(kind, given));
    }
  }

  private async alone(kind: string, given: Given): Promise<Result> {
    const [result] = await this.carryOut(kind, [given]);
    return result as Result;
  }
}
