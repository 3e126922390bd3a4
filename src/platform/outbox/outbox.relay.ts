import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import type { QueryRunner } from 'typeorm';
import { Bus, BUS } from '../bus/bus.js';
import { IngestDatabase } from '../database/ingest-database.js';
import { outboxEvents, outboxOldestAge } from '../telemetry/gauges.js';
import { type Logger, LOGGER } from '../telemetry/logger.js';
import { outboxCarried } from '../telemetry/metrics.js';
import { SlowLook } from '../telemetry/slow-look.js';
import { Tracing } from '../telemetry/tracing.js';
import { OutboxEventEntity } from './outbox-event.entity.js';

const BATCH = 500;
const POLL_MS = 200;
const RETRY_MS = 1_000;
const RELAY_LOCK = 7_719_254;
/** Said over the bus this often, in ms, so that whoever listens knows that it would hear. */
const HEARTBEAT_MS = 5_000;

// By id and so by time, as they are carried.
const BACKLOG = `
  SELECT count(*)::int AS events, greatest(0, coalesce(extract(epoch FROM now() - min(created_at)), 0))::float8 AS age
  FROM (SELECT created_at FROM outbox ORDER BY id LIMIT 10000) AS waiting`;

const CARRIED = `
  DELETE FROM outbox USING unnest($1::uuid[], $2::uuid[]) AS carried (tenant_id, id)
  WHERE outbox.tenant_id = carried.tenant_id AND outbox.id = carried.id`;

interface Backlog {
  events: number;
  /** Of the oldest, in seconds. */
  age: number;
}

/** Payload of `heartbeat`: all that was committed before this time, in ms since 1970, was published before. */
export interface Heartbeat {
  asOf: number;
}

/**
 * Carries committed events from the outbox to the bus, in order of id, at least once. One relay works at a time: the
 * lock is the transaction's, so it passes on when a worker dies. (FOR UPDATE SKIP LOCKED would let several share the
 * work, but Citus refuses it across shards.)
 */
@Injectable()
export class OutboxRelay implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private stopping = false;
  private beatAt = 0;
  private wake: () => void = () => undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly database: IngestDatabase,
    private readonly bus: Bus,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly tracing: Tracing,
  ) {}

  onApplicationBootstrap(): void {
    this.watchBacklog();
    this.running = this.poll();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    this.wake();
    await this.running;
  }

  private async poll(): Promise<void> {
    while (!this.stopping) {
      const carried = await this.tryCarry();
      if (carried < BATCH) await this.pause(carried < 0 ? RETRY_MS : POLL_MS);
    }
  }

  private watchBacklog(): void {
    const look = new SlowLook('outbox', () => this.database.query<Backlog>(BACKLOG), this.logger);
    const now = async (): Promise<Backlog | undefined> => (await look.now())?.[0];
    outboxEvents.watch({}, async () => (await now())?.events);
    outboxOldestAge.watch({}, async () => (await now())?.age);
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** @returns how many events were carried; -1 when the database or the bus did not answer */
  private async tryCarry(): Promise<number> {
    try {
      return await this.database.transaction((runner) => this.carry(runner));
    } catch (error) {
      this.logger.warn({ reason: String(error) }, 'The outbox waits');
      return -1;
    }
  }

  private async carry(runner: QueryRunner): Promise<number> {
    const [{ leader }] = (await runner.query('SELECT pg_try_advisory_xact_lock($1) AS leader', [RELAY_LOCK])) as [
      { leader: boolean },
    ];
    if (!leader) return 0;
    const asOf = Date.now();
    const events = await runner.manager.find(OutboxEventEntity, { order: { id: 'ASC' }, take: BATCH });
    await this.publish(events);
    if (events.length > 0) {
      await runner.query(CARRIED, [events.map((event) => event.tenantId), events.map((event) => event.id)]);
    }
    outboxCarried.inc(events.length);
    if (events.length < BATCH) await this.beat({ asOf });
    return events.length;
  }

  private async publish(events: OutboxEventEntity[]): Promise<void> {
    const spans = events.map(({ traceparent, topic }) =>
      this.tracing.continue(traceparent, { name: `publish ${topic}`, kind: 'producer', attributes: BUS }),
    );
    let error: unknown;
    try {
      await this.bus.publish(
        events.map(({ topic, payload }, n) => ({ topic, payload, ...(spans[n] && { trace: spans[n].traceparent }) })),
      );
    } catch (failure) {
      error = failure;
      throw failure;
    } finally {
      for (const span of spans) span?.end({ error });
    }
  }

  private async beat(heartbeat: Heartbeat): Promise<void> {
    if (Date.now() - this.beatAt < HEARTBEAT_MS) return;
    await this.bus.publish([{ topic: 'heartbeat', payload: heartbeat }]);
    this.beatAt = Date.now();
  }
}
