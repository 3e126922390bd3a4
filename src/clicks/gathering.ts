interface Waiting<T, R> {
  one: T;
  done: (result: R) => void;
  failed: (error: unknown) => void;
}

/**
 * Rounds of work, one at a time: what comes during one waits, and is worked on together in the next. So the more there
 * is to do, the more of it is done at once.
 */
export class Gathering<T, R> {
  private waiting: Array<Waiting<T, R>> = [];
  private working = false;

  /**
   * @param choose the next round of those that wait, oldest first; at least one
   * @param work a result for each of a round, in its order
   */
  constructor(
    private readonly choose: (waiting: T[]) => T[],
    private readonly work: (round: T[]) => Promise<R[]>,
  ) {}

  /** @throws what its round throws, together with all others of that round */
  join(one: T): Promise<R> {
    return new Promise<R>((done, failed) => {
      this.waiting.push({ one, done, failed });
      if (!this.working) void this.workOff();
    });
  }

  private async workOff(): Promise<void> {
    this.working = true;
    while (this.waiting.length > 0) await this.nextRound();
    this.working = false;
  }

  private async nextRound(): Promise<void> {
    const chosen = new Set(this.choose(this.waiting.map(({ one }) => one)));
    const round = this.waiting.filter(({ one }) => chosen.has(one));
    this.waiting = this.waiting.filter(({ one }) => !chosen.has(one));
    try {
      const results = await this.work(round.map(({ one }) => one));
      for (const [n, { done }] of round.entries()) done(results[n] as R);
    } catch (error) {
      for (const { failed } of round) failed(error);
    }
  }
}
