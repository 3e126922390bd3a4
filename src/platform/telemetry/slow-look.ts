import type { Logger } from './logger.js';

/** A scrape has ten seconds by default; nothing it asks a server for may take more of them than this, in ms. */
const DEADLINE_MS = 1_000;
const KEPT_MS = 5_000;

/**
 * Something that a server has to be asked for. However many scrapes want it, it is asked for once at a time and once in a
 * while; no scrape waits for it for long, and none fails with it.
 */
export class SlowLook<T> {
  private answer: { value: T | undefined; at: number } | undefined;
  private asking: Promise<T | undefined> | undefined;

  /** @param what it is, for the log @param keptMs for how long an answer, or that there is none, is good */
  constructor(
    private readonly what: string,
    private readonly ask: () => Promise<T>,
    private readonly logger: Logger,
    private readonly keptMs = KEPT_MS,
  ) {}

  /** @returns undefined when it can not be told, or not in time */
  async now(): Promise<T | undefined> {
    if (this.answer && performance.now() - this.answer.at < this.keptMs) return this.answer.value;
    this.asking ??= this.tryAsking();
    const { promise: late, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => resolve(undefined), DEADLINE_MS);
    try {
      return await Promise.race([this.asking, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  private async tryAsking(): Promise<T | undefined> {
    let value: T | undefined;
    try {
      value = await this.ask();
    } catch (error) {
      this.logger.debug({ reason: String(error), what: this.what }, 'Metrics are shown without this');
    }
    this.answer = { value, at: performance.now() };
    this.asking = undefined;
    return value;
  }
}
