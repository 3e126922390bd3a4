import { join } from 'node:path';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { Config } from '../platform/config/config.js';
import { Secrets } from '../platform/secrets/secrets.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { clicksSpooled, spoolBytes, spoolLimitBytes, spoolOldestAge } from '../platform/telemetry/gauges.js';
import { clicksAccepted, clicksAdopted, clicksShed, clicksShipped } from '../platform/telemetry/metrics.js';
import { Tracing } from '../platform/telemetry/tracing.js';
import { ClickQueue } from './click-queue.js';
import type { FollowedLink, Visitor } from './click.js';
import { CLICKS_KEY } from './clicks.jobs.js';
import { type Segment, Spool } from './spool.js';
import { SpoolTraces } from './spool-traces.js';

export type { Visitor } from './click.js';

/** Sending keeps visitors waiting for a millisecond or two, however few clicks it sends: so it is done seldom. */
const SHIP_EVERY_MS = 500;
/** Clicks after which a segment is closed: one that follows a disk which stood still does not make a job without end. */
const SEGMENT_CLICKS = 50_000;

const FULL = 'the spool is full';

/**
 * Takes clicks off the redirect's hands: into the spool, with one write for all clicks of two turns of the event loop
 * before their answers go out, and from there to the queue. A click whose answer a visitor has read is on disk.
 */
@Injectable()
export class ClickRecorder implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly spool: Spool;
  private clicks = 0;
  private answers: Array<() => void> = [];
  private turn: NodeJS.Immediate | undefined;
  private timer: NodeJS.Timeout | undefined;
  private shipping: Promise<void> | undefined;
  private readonly traces: SpoolTraces;
  /** Clicks that the log has not told of yet. */
  private lost = { clicks: 0, reason: '' };
  /** Why a click is not taken. */
  private refusal = FULL;
  private adopting = Promise.resolve();

  constructor(
    config: Config,
    secrets: Secrets,
    private readonly queue: ClickQueue,
    @Inject(LOGGER) private readonly logger: Logger,
    tracing: Tracing,
  ) {
    this.traces = new SpoolTraces(tracing);
    this.spool = new Spool({
      parent: join(config.dataDir, 'spool'),
      maxBytes: config.spoolBytes,
      keyOf: (segment) => secrets.keyFor(CLICKS_KEY, segment),
      keysOf: (segment) => secrets.keysFor(CLICKS_KEY, segment),
    });
    this.makeFolder();
    spoolBytes.watch({}, () => this.spool.size);
    spoolLimitBytes.watch({}, () => config.spoolBytes);
    spoolOldestAge.watch({}, () => Math.max(0, Date.now() - (this.spool.oldest ?? Infinity)) / 1000);
    clicksSpooled.watch({}, () => this.spool.clicks);
  }

  /** Never blocks and never throws: a visitor's redirect does not depend on it. */
  offer(link: FollowedLink, visitor: Visitor, query: string, trace: string | undefined): void {
    if (!this.spool.append(link, visitor, query, trace)) return this.lose(1, this.refusal);
    if (trace !== undefined) this.traces.begin(this.spool.openId, trace);
    this.clicks++;
    this.turn ??= setImmediate(this.oneMoreTurn);
  }

  /** Calls back when all that was offered is written: then the answers may go out. */
  afterWrite(answer: () => void): void {
    this.answers.push(answer);
    this.turn ??= setImmediate(this.oneMoreTurn);
  }

  async onApplicationBootstrap(): Promise<void> {
    if (!this.spool.hasFolder) this.logger.error({ reason: this.refusal }, 'Clicks are lost until they can be spooled');
    await this.adopt();
    this.timer = setInterval(() => void this.tick(), SHIP_EVERY_MS);
  }

  /** What the queue does not take now stays on disk for the next process. */
  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.endTurn();
    await this.adopting;
    await this.shipping;
    await this.ship();
    this.spool.close();
  }

  private async tick(): Promise<void> {
    if (!this.spool.hasFolder && this.makeFolder()) {
      // What earlier processes have left has waited for this, too.
      this.adopting = this.adopt();
      await this.adopting;
    }
    await this.ship();
  }

  /** A disk that can not be written to does not keep the process from redirecting. @returns whether there is a folder now */
  private makeFolder(): boolean {
    try {
      this.spool.makeFolder();
      this.refusal = FULL;
    } catch (error) {
      this.refusal = String(error);
    }
    return this.spool.hasFolder;
  }

  private async adopt(): Promise<void> {
    // They stay where they are; what comes now has to be counted all the same.
    const failed = (error: unknown): void =>
      this.logger.error({ err: error }, 'The clicks that an earlier process left could not be taken over');
    await this.spool.adopt(failed).catch(failed);
    const { segments, clicks } = this.spool.adopted;
    if (segments > 0) this.logger.info({ segments }, 'Took over the clicks that an earlier process left');
    clicksAdopted.inc(clicks);
  }

  /** Those of the next turn come along: to seal and write a frame takes as long as several clicks. */
  private readonly oneMoreTurn = (): void => {
    this.turn = setImmediate(this.endTurn);
  };

  private readonly endTurn = (): void => {
    clearImmediate(this.turn);
    this.turn = undefined;
    const { clicks, answers } = this;
    this.clicks = 0;
    this.answers = [];
    try {
      this.spool.flush();
      clicksAccepted.inc(clicks);
    } catch (error) {
      this.lose(clicks, String(error));
    }
    if (this.spool.openClicks >= SEGMENT_CLICKS) this.sealForShipping();
    for (const answer of answers) answer();
  };

  private lose(clicks: number, reason: string): void {
    clicksShed.inc(clicks);
    this.lost = { clicks: this.lost.clicks + clicks, reason };
  }

  /** Not at each turn: a full disk would have more lines written than it has room for. */
  private sayWhatWasLost(): void {
    const { lost } = this;
    if (lost.clicks === 0) return;
    this.lost = { clicks: 0, reason: '' };
    this.logger.error(lost, 'Clicks were lost');
  }

  /** Sends all that waits, in its order, until done or the queue does not answer. */
  private ship(): Promise<void> {
    this.endTurn();
    this.sayWhatWasLost();
    this.sealForShipping();
    this.shipping ??= this.shipSealed().finally(() => {
      this.shipping = undefined;
    });
    return this.shipping;
  }

  /** A disk that fails must not end the process: redirects go on, and the next process takes over what lies there. */
  private sealForShipping(): void {
    try {
      this.spool.seal();
    } catch (error) {
      this.logger.error({ reason: String(error) }, 'A segment could not be closed; it is shipped after the next start');
    }
  }

  private async shipSealed(): Promise<void> {
    const failed = new Map<Segment, unknown>();
    // When one that failed is the next again, all others have had their turn.
    for (let segment = this.spool.next(); segment && !failed.has(segment); segment = this.spool.next()) {
      try {
        if (!(await this.shipOne(segment))) break;
      } catch (error) {
        failed.set(segment, error);
        this.spool.postpone(segment);
      }
    }
    const [error] = failed.values();
    if (failed.size > 0) {
      this.logger.error({ segments: failed.size, reason: String(error) }, 'Clicks wait, for their files fail');
    }
  }

  /** @returns whether the queue has it @throws when its file can not be read, or not be removed */
  private async shipOne(segment: Segment): Promise<boolean> {
    const { id, spool, number, clicks = 0 } = segment;
    const frames = await this.spool.read(segment);
    try {
      await this.queue.send({ segment: id, frames: frames.toString('base64'), spool, number });
    } catch (error) {
      this.logger.warn({ reason: String(error), bytes: this.spool.size }, 'Clicks wait for the queue');
      return false;
    }
    await this.spool.remove(segment);
    this.traces.end(id);
    clicksShipped.inc(clicks);
    return true;
  }
}
