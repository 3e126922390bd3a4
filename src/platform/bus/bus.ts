import type { OnApplicationShutdown } from '@nestjs/common';
import { Relay } from 'bullmq';
import type { Config } from '../config/config.js';
import { relayOptions } from '../queue/connection.js';
import type { Logger } from '../telemetry/logger.js';

export interface BusEvent {
  /** Dot-separated: `link.created`. */
  topic: string;
  payload: unknown;
}

const EVENTS = 'events';
/** A message has at most 512 kB. The largest event, two addresses with the longest keys, has 3 kB. */
const EVENTS_A_MESSAGE = 100;

/**
 * Tells every process what has changed. Delivery is at least once while a process keeps its lease; a process that
 * lost it is told so by `onGap`, and must then trust nothing it remembers.
 */
export class Bus implements OnApplicationShutdown {
  private readonly relay: Relay;

  constructor(
    config: Config,
    private readonly logger: Logger,
  ) {
    this.relay = new Relay({ ...relayOptions(config), namespace: 'waypost', leaseDuration: 9_000 });
    this.relay.on('error', (error: Error) => logger.warn({ reason: error.message }, 'The bus does not answer'));
  }

  /** Hears of every event whose topic begins with `prefix`, in the order in which they were published. */
  subscribe(prefix: string, listener: (topic: string, data: unknown) => void): void {
    this.relay
      .subscribe(EVENTS, ({ data }) => {
        for (const { topic, payload } of data as BusEvent[]) if (topic.startsWith(prefix)) listener(topic, payload);
      })
      .catch((error: Error) => this.logger.warn({ reason: error.message, prefix }, 'Not subscribed to the bus yet'));
  }

  /** Many events travel in one message: each message is a round trip, and a burst of changes must not hold up an edit. */
  async publish(events: BusEvent[]): Promise<void> {
    for (let from = 0; from < events.length; from += EVENTS_A_MESSAGE) {
      await this.relay.publish(EVENTS, events.slice(from, from + EVENTS_A_MESSAGE));
    }
  }

  onGap(listener: () => void): void {
    this.relay.on('recovered', listener);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.relay.close();
  }
}
