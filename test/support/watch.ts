import { setTimeout as sleep } from 'node:timers/promises';
import type { RoleProcess } from './deployment.js';
import { Visitor } from './visitor.js';

/** What visitors get: where they are led, or else the status. */
export type State = string | number;

/** An edit that is made, or was just made. */
interface Change {
  old: State;
  state: State;
  /** When the API's answer was there. */
  returnedAt: number | undefined;
  /** After that, the last moment at which somebody may ask and still be answered by the old state, in ms. */
  within: number;
  inForce: (ms: number) => void;
}

let clients = 0;

/** Visits one address at one process all the time, and takes note of every answer that it should not get. */
export class Watch {
  readonly faults: string[] = [];
  visits = 0;
  /** Answers that told neither state: a lookup was too slow, as on a busy machine. The time until in force goes on. */
  unavailable = 0;
  /** The pause between two visits. */
  everyMs = 30;
  private readonly visitor: Visitor;
  private readonly running: Promise<void>;
  private change: Change | undefined;
  private stopped = false;

  constructor(
    { port }: RoleProcess,
    private readonly host: string,
    private readonly path: string,
    private state: State,
  ) {
    this.visitor = new Visitor({ port, ...clientAddress() });
    this.running = this.run();
  }

  /**
   * From now on either state may be seen, until the new one is: then never again the old one.
   *
   * @returns a function to call when the API has answered; it resolves with the ms from then until the new state was
   * first seen
   */
  expect(state: State, within: number): () => Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    const change: Change = { old: this.state, state, returnedAt: undefined, within, inForce: resolve };
    this.change = change;
    return () => {
      change.returnedAt = performance.now();
      if (this.state === state) resolve(0);
      // Not at all: the faults tell what was seen instead.
      const never = setTimeout(() => resolve(Infinity), 2 * within);
      return promise.finally(() => clearTimeout(never));
    };
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
    this.visitor.leave();
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const askedAt = performance.now();
      try {
        const { status, location } = await this.visitor.get(this.host, this.path);
        this.visits++;
        if (status === 503) this.unavailable++;
        else this.judge(location ?? status, askedAt);
      } catch (error) {
        this.fault(`got no answer: ${String(error)}`);
      }
      await sleep(this.everyMs);
    }
  }

  private judge(seen: State, askedAt: number): void {
    const { change } = this;
    if (change && seen === change.state && this.state !== seen) {
      this.state = seen;
      if (change.returnedAt !== undefined) change.inForce(performance.now() - change.returnedAt);
    }
    if (seen !== this.state) return this.fault(`saw ${seen} instead of ${this.state}`);
    const late = change?.returnedAt !== undefined && askedAt > change.returnedAt + change.within;
    if (late && seen !== change.state)
      this.fault(`saw ${seen} ${Math.round(askedAt - (change.returnedAt ?? 0))} ms on`);
  }

  private fault(what: string): void {
    this.faults.push(`${this.host}${this.path} ${what}`);
  }
}

/** Each is a client of its own, where the loopback has more than one address. */
function clientAddress(): { localAddress?: string } {
  clients++;
  return process.platform === 'linux' ? { localAddress: `127.1.${clients >> 8}.${1 + (clients & 127)}` } : {};
}
