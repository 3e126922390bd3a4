import type { OnApplicationShutdown } from '@nestjs/common';
import { Relay } from 'bullmq';
import type { Config } from '../config/config.js';
import { relayOptions } from '../queue/connection.js';
import type { Logger } from '../telemetry/logger.js';

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

  /** Topics are dot-separated; `pattern` may use `*` for a segment and `>` for all that follow. */
  subscribe(pattern: string, listener: (topic: string, data: unknown) => void): void {
    this.relay
      .subscribe(pattern, ({ topic, data }) => listener(topic, data))
      .catch((error: Error) => this.logger.warn({ reason: error.message, pattern }, 'Not subscribed to the bus yet'));
  }

  async publish(topic: string, data: unknown): Promise<void> {
    await this.relay.publish(topic, data);
  }

  onGap(listener: () => void): void {
    this.relay.on('recovered', listener);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.relay.close();
  }
}
