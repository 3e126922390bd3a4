import { setTimeout as sleep } from 'node:timers/promises';
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { Relay } from 'bullmq';
import type { Config } from '../config/config.js';
import { relayOptions } from '../queue/connection.js';
import type { Logger } from '../telemetry/logger.js';
import type { Tracing } from '../telemetry/tracing.js';
import { busHeartbeatAge } from '../telemetry/gauges.js';

export interface BusEvent {
  /** Dot-separated: `link.created`. */
  topic: string;
  payload: unknown;
  /** W3C traceparent of the change that is told of, if that is traced. */
  trace?: string;
}

/** How spans name it. */
export const BUS = { 'messaging.system': 'bullmq', 'messaging.destination.name': 'events' };

type Listener = (topic: string, payload: unknown) => void;

const EVENTS = 'events';
/** A message has at most 512 kB. The largest event, two addresses with the longest keys, has 3 kB. */
const EVENTS_A_MESSAGE = 100;
/** A process that is not heard of for this long, in ms, has missed what was said meanwhile. */
const LEASE_MS = 9_000;
const RETRY_MS = 1_000;

/**
 * Tells every process what has changed. Delivery is at least once while a process keeps its lease; a process that
 * lost it, or could not listen from the start, is told so by `onGap`, and must then trust nothing it remembers.
 */
export class Bus implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly listeners: Array<{ prefix: string; listener: Listener }> = [];
  private readonly gapListeners: Array<() => void> = [];
  private relay: Relay | undefined;
  private closed = false;
  private heardAt = Date.now();

  constructor(
    private readonly config: Config,
    private readonly logger: Logger,
    private readonly tracing: Tracing,
  ) {}

  /** Hears of every event whose topic begins with `prefix`, in order of publication. To be called before bootstrap. */
  subscribe(prefix: string, listener: Listener): void {
    this.listeners.push({ prefix, listener });
    // A process that does not listen hears nothing, and misses nothing.
    busHeartbeatAge.watch({}, () => (Date.now() - this.heardAt) / 1000);
  }

  onGap(listener: () => void): void {
    this.gapListeners.push(listener);
  }

  /**
   * Many events travel in one message: each message is a round trip, and a burst of changes must not hold up an edit.
   *
   * @throws while the bus is away
   */
  async publish(events: BusEvent[]): Promise<void> {
    if (!this.relay) throw new Error('The bus is not open yet');
    for (let from = 0; from < events.length; from += EVENTS_A_MESSAGE) {
      await this.relay.publish(EVENTS, events.slice(from, from + EVENTS_A_MESSAGE));
    }
  }

  onApplicationBootstrap(): void {
    void this.open();
  }

  async onApplicationShutdown(): Promise<void> {
    this.closed = true;
    await this.relay?.close();
  }

  /** A relay that could not start never will: each attempt is with a new one. Nobody waits for it. */
  private async open(): Promise<void> {
    while (!this.closed) {
      const relay = new Relay({ ...relayOptions(this.config), leaseDuration: LEASE_MS });
      relay.on('error', (error: Error) => this.logger.warn({ reason: error.message }, 'The bus does not answer'));
      relay.on('recovered', () => this.gap());
      try {
        await relay.waitUntilReady();
        if (this.listeners.length > 0) await relay.subscribe<BusEvent[]>(EVENTS, ({ data }) => this.deliver(data));
        this.relay = relay;
        return this.gap();
      } catch (error) {
        this.logger.warn({ reason: String(error) }, 'The bus could not be opened');
        await relay.close().catch(() => this.logger.debug('A relay that never started did not close either'));
        await sleep(RETRY_MS);
      }
    }
  }

  private deliver(events: BusEvent[]): void {
    this.heardAt = Date.now();
    for (const { topic, payload, trace } of events) {
      const span = this.tracing.continue(trace, { name: `deliver ${topic}`, kind: 'consumer', attributes: BUS });
      for (const { prefix, listener } of this.listeners) if (topic.startsWith(prefix)) listener(topic, payload);
      span?.end();
    }
  }

  private gap(): void {
    for (const listener of this.gapListeners) listener();
  }
}
