/**
 * Look-ups of the same thing that wait at the same time share one answer. It is looked up after the last of them has
 * asked: nobody is answered with what was so before.
 */
export class SharedLookUps<T> {
  private readonly running = new Map<string, LookUp<T>>();

  ask(thing: string, lookUp: () => Promise<T>): Promise<T> {
    const running = this.running.get(thing);
    if (!running) return this.start(thing, lookUp);
    running.next ??= running.answer.then(
      () => this.start(thing, lookUp),
      () => this.start(thing, lookUp),
    );
    return running.next;
  }

  private start(thing: string, lookUp: () => Promise<T>): Promise<T> {
    const started: LookUp<T> = { answer: lookUp(), next: undefined };
    this.running.set(thing, started);
    const end = (): void => {
      // If somebody waits, theirs is about to take this one's place.
      if (!started.next) this.running.delete(thing);
    };
    started.answer.then(end, end);
    return started.answer;
  }
}

interface LookUp<T> {
  answer: Promise<T>;
  /** Begins when this one has ended. */
  next: Promise<T> | undefined;
}
