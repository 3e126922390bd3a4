import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { QueryRunner } from 'typeorm';
import { systemContext } from '../platform/context/system-context.js';
import { IngestDatabase } from '../platform/database/ingest-database.js';
import { Transactions } from '../platform/database/transactions.js';
import { NamedMacs, Secrets } from '../platform/secrets/secrets.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { auditFaults, auditSealed } from '../platform/telemetry/metrics.js';
import { AuditChainRepository, type ChainEnd, type HashedLink, type PendingEvent } from './audit-chain.repository.js';
import { AuditVerificationRepository } from './audit-verification.repository.js';
import { canonicalEvent, canonicalLink, type ChainLink } from './canonical-event.js';
import { canonicalCheckpoint, checkpointText, type SignedCheckpoint } from './checkpoint.js';

const BATCH = 1_000;
const POLL_MS = 500;
const RETRY_MS = 2_000;
/** A tenant's checkpoint is said in the log this often, in ms: a busy one makes two a second. */
const SAID_EVERY_MS = 60_000;
const REMEMBERED_TENANTS = 10_000;

type NewLink = Omit<ChainLink, 'seq'>;

interface Sealed {
  links: number;
  checkpoints: SignedCheckpoint[];
}

const NOTHING: Sealed = { links: 0, checkpoints: [] };

/**
 * Chains the events that were committed, tenant by tenant. Doing so in the transaction that records an event would have
 * a tenant's requests wait for each other.
 */
@Injectable()
export class AuditSealer implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly macs: NamedMacs;
  /** Where this process left each chain: it can only have grown since. */
  private readonly left = new LRUCache<string, ChainEnd>({ max: REMEMBERED_TENANTS });
  private readonly unsaid = new Map<string, SignedCheckpoint>();
  private saidAt = Date.now();
  private adoptedAll = false;
  private stopping = false;
  private wake: () => void = () => undefined;
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly database: IngestDatabase,
    private readonly chains: AuditChainRepository,
    private readonly transactions: Transactions,
    private readonly events: AuditVerificationRepository,
    secrets: Secrets,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {
    this.macs = NamedMacs.current(secrets, 'audit');
  }

  onApplicationBootstrap(): void {
    this.running = this.poll();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopping = true;
    this.wake();
    await this.running;
    this.say();
  }

  private async poll(): Promise<void> {
    while (!this.stopping) {
      const sealed = await this.trySeal();
      if (Date.now() - this.saidAt >= SAID_EVERY_MS) this.say();
      if (sealed < BATCH) await this.pause(sealed < 0 ? RETRY_MS : POLL_MS);
    }
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

  /** @returns how many events were chained; -1 when the database did not answer */
  private async trySeal(): Promise<number> {
    try {
      const { links, checkpoints } = await this.database.transaction((runner) => this.seal(runner));
      for (const checkpoint of checkpoints) {
        this.left.set(checkpoint.tenantId, checkpoint);
        this.unsaid.set(checkpoint.tenantId, checkpoint);
      }
      auditSealed.inc(links);
      return links;
    } catch (error) {
      this.logger.warn({ reason: String(error) }, 'The chain of audit events waits');
      return -1;
    }
  }

  private async seal(runner: QueryRunner): Promise<Sealed> {
    if (!(await this.chains.lead(runner))) return NOTHING;
    const adopted = this.adoptedAll ? NOTHING : await this.adopt(runner);
    if (adopted.links > 0) return adopted;
    this.adoptedAll = true;
    const pending = await this.withoutRepeated(runner, await this.chains.pending(runner, BATCH));
    return this.append(
      runner,
      pending.map((event) => ({ ...event, adopted: false })),
    );
  }

  /** Whoever notes an event a second time must not keep all others waiting. */
  private async withoutRepeated(runner: QueryRunner, pending: PendingEvent[]): Promise<PendingEvent[]> {
    const repeated = await this.chains.chained(runner, pending, await this.database.isDistributed());
    if (repeated.length === 0) return pending;
    auditFaults.inc(repeated.length);
    this.logger.error({ events: repeated.slice(0, 10) }, 'Audit events were noted a second time');
    for (const { tenantId, eventId } of repeated) await this.chains.forget(runner, tenantId, [eventId]);
    const ids = new Set(repeated.map(({ tenantId, eventId }) => tenantId + eventId));
    return pending.filter(({ tenantId, eventId }) => !ids.has(tenantId + eventId));
  }

  /** A chain begins with the events that are older than it, as they are. */
  private async adopt(runner: QueryRunner): Promise<Sealed> {
    const old = Map.groupBy(await this.chains.adoptable(runner, BATCH), ({ tenantId }) => tenantId);
    const found: NewLink[] = [];
    for (const [tenantId, pending] of old) {
      const ids = pending.map(({ eventId }) => eventId);
      const events = await this.transactions.run(systemContext(tenantId), (tx) => this.events.byIds(tx, ids));
      found.push(
        ...events.map((event) => {
          return { tenantId, eventId: event.id, mac: this.macs.make(canonicalEvent(event)), adopted: true };
        }),
      );
      const there = new Set(events.map(({ id }) => id));
      await this.bemoan(
        runner,
        tenantId,
        ids.filter((id) => !there.has(id)),
      );
    }
    return this.append(runner, found);
  }

  private async bemoan(runner: QueryRunner, tenantId: string, missing: string[]): Promise<void> {
    if (missing.length === 0) return;
    auditFaults.inc(missing.length);
    this.logger.error({ tenantId, events: missing }, 'Audit events of before the chain are missing');
    await this.chains.forget(runner, tenantId, missing);
  }

  private async append(runner: QueryRunner, events: NewLink[]): Promise<Sealed> {
    if (events.length === 0) return NOTHING;
    const pending = Map.groupBy(events, ({ tenantId }) => tenantId);
    const ends = await this.chains.ends(runner, [...pending.keys()], await this.database.isDistributed());
    const chained = [...pending].map(([tenantId, own]) => {
      const end = ends.get(tenantId) as ChainEnd;
      this.compare(tenantId, end);
      return this.chain(end, own);
    });
    const checkpoints = chained.flatMap((own) => own.slice(-1)).map((last) => this.checkpointAt(last));
    await this.chains.append(runner, chained.flat());
    await this.chains.checkpoint(runner, checkpoints);
    return { links: events.length, checkpoints };
  }

  /** What is found below the place where it was left, or otherwise than it was left, somebody has cut or written anew. */
  private compare(tenantId: string, { seq, hash }: ChainEnd): void {
    const left = this.left.get(tenantId);
    if (!left || seq > left.seq || (seq === left.seq && hash.equals(left.hash))) return;
    auditFaults.inc();
    this.logger.error({ tenantId, seq, expected: left.seq }, 'An audit trail was cut or written anew');
  }

  private chain({ seq, hash }: ChainEnd, events: NewLink[]): HashedLink[] {
    let previous = hash;
    return events.map((event, index) => {
      const link = { ...event, seq: seq + index + 1 };
      previous = this.macs.make(canonicalLink(previous, link));
      return { ...link, hash: previous };
    });
  }

  private checkpointAt({ tenantId, seq, hash }: HashedLink): SignedCheckpoint {
    const checkpoint = { tenantId, seq, hash, madeAt: new Date() };
    return { ...checkpoint, signature: this.macs.make(canonicalCheckpoint(checkpoint)) };
  }

  /** Whoever keeps the log can tell whether the database was written anew as a whole: see docs/audit.md. */
  private say(): void {
    this.saidAt = Date.now();
    for (const checkpoint of this.unsaid.values()) {
      const { tenantId, seq } = checkpoint;
      this.logger.info({ tenantId, seq, checkpoint: checkpointText(checkpoint) }, 'Audit checkpoint');
    }
    this.unsaid.clear();
  }
}
