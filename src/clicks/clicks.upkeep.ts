import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import { Config } from '../platform/config/config.js';
import { systemContext } from '../platform/context/system-context.js';
import { Transactions } from '../platform/database/transactions.js';
import { toPublicId } from '../platform/ids.js';
import { partitionsAhead } from '../platform/telemetry/gauges.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { SlowLook } from '../platform/telemetry/slow-look.js';
import { ClickExpiryRepository, type Erasure } from './click-expiry.repository.js';
import { ClicksRepository } from './clicks.repository.js';
import { RollupsRepository } from './rollups.repository.js';
import { quarterHoursKeptSince } from './rollups.reader.js';
import { dayOf, firstSaltedDay } from './visitor-hash.js';
import { VisitorSaltsRepository } from './visitor-salts.repository.js';

const MONTHS_AHEAD = 3;
/** They change twice a month. */
const PARTITIONS_EVERY_MS = 60_000;
const DAY_MS = 24 * 3600 * 1000;
/** Other upkeep waits for its turn meanwhile; the next run goes on. */
const COMPACTING_MS = 20_000;
const ERASING_MS = 20_000;
/** Of one erasure: all that are looked at together have their turn in one run, whatever stands before them. */
const TURN_MS = 200;

@Injectable()
export class ClicksUpkeep implements OnModuleInit {
  constructor(
    private readonly config: Config,
    private readonly clicks: ClicksRepository,
    private readonly expiry: ClickExpiryRepository,
    private readonly salts: VisitorSaltsRepository,
    private readonly rollups: RollupsRepository,
    private readonly transactions: Transactions,
    private readonly audit: AuditRecorder,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onModuleInit(): void {
    const look = new SlowLook('click partitions', () => this.clicks.monthsAhead(), this.logger, PARTITIONS_EVERY_MS);
    partitionsAhead.watch({}, () => look.now());
  }

  async makePartitions(): Promise<void> {
    const made = await this.clicks.makePartitions(MONTHS_AHEAD);
    if (made > 0) this.logger.info({ months: made }, 'Made click partitions ahead');
  }

  /** Two days after a day's end nobody can tell any more who its visitors were. */
  async forgetVisitors(now?: number): Promise<void> {
    const day = firstSaltedDay(now ?? (await this.clicks.agreedTime()));
    const days = await this.salts.destroyBefore(day);
    if (days > 0) this.logger.info({ days }, 'Destroyed the salts of visitors');
    for (const tenantId of await this.salts.tenantsSeenBefore(day)) {
      while (await this.salts.forget(tenantId, day));
    }
  }

  /** Whole months for everybody; day by day for tenants that keep less. Rollups and counters stay. */
  async expire(given?: number): Promise<void> {
    const { clickRetentionDays } = this.config;
    const now = given ?? (await this.clicks.agreedTime());
    const months = await this.expiry.dropMonths(dayOf(now - clickRetentionDays * DAY_MS));
    if (months > 0) this.logger.info({ months }, 'Dropped clicks that were kept for long enough');
    for (const { id, days } of await this.expiry.shorterRetentions(clickRetentionDays)) {
      const time = new Date(now - days * DAY_MS);
      while (await this.transactions.run(systemContext(id), (tx) => this.expiry.dropBefore(tx, time)));
    }
  }

  /** Makes hours of old quarter-hours, some at a time; late ones that were added since are found again. */
  async compact(now = Date.now()): Promise<void> {
    const before = quarterHoursKeptSince(new Date(now));
    const end = performance.now() + COMPACTING_MS;
    let rows = 0;
    for (let more = true; more && performance.now() < end;) {
      const steps = await this.rollups.uncompacted(before);
      more = steps.length > 0;
      for (const { tenantId, hours } of steps) {
        if (performance.now() < end) rows += await this.rollups.compact(tenantId, hours);
      }
    }
    if (rows > 0) this.logger.info({ rows, before }, 'Made hours of old quarter-hours');
  }

  /** Erases the clicks of what was deleted, for so long at most. The next run goes on with what is left. */
  async erase(longestMs = ERASING_MS): Promise<void> {
    const end = performance.now() + longestMs;
    for (let pending = await this.expiry.pending(); pending.length > 0; pending = await this.expiry.pending()) {
      for (const erasure of pending) {
        await this.eraseSome(erasure, Math.min(end, performance.now() + TURN_MS));
        if (performance.now() >= end) return;
      }
    }
  }

  private async eraseSome({ tenantId, linkId }: Erasure, until: number): Promise<void> {
    const some = (): Promise<boolean> =>
      this.transactions.run(systemContext(tenantId), (tx) => this.expiry.erase(tx, linkId));
    while (await some()) if (performance.now() >= until) return;
    await this.noteErased({ tenantId, linkId });
  }

  /** Two workers may have erased the same: one of them says so. */
  private async noteErased({ tenantId, linkId }: Erasure): Promise<void> {
    const ctx = systemContext(tenantId);
    const event =
      linkId === undefined
        ? { action: 'tenant.clicks_erased' as const, target: toPublicId('tnt', tenantId) }
        : { action: 'link.clicks_erased' as const, target: toPublicId('link', linkId) };
    const finished = await this.transactions.run(ctx, async (tx) => {
      const first = await this.expiry.finish(tx, linkId);
      if (first) await this.audit.record(tx, ctx, event);
      return first;
    });
    if (finished) this.logger.info({ tenantId, linkId }, 'Erased the clicks of what was deleted');
  }
}
