import { Inject, Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import { DEAD_CLICKS_KEY, type DeadLetter } from '../clicks/clicks.jobs.js';
import type { Context, Tx } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { Cursors, type Page } from '../platform/http/pagination.js';
import { toPublicId } from '../platform/ids.js';
import { Secrets } from '../platform/secrets/secrets.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { alreadyRedriven, deadLetterNotFound } from './dead-letter.errors.js';
import type { ListDeadLetters } from './dead-letter.schemas.js';
import {
  type DeadLetterRow,
  DeadLettersRepository,
  type OpenedLetter,
  type RequestedLetter,
} from './dead-letters.repository.js';

/** Asked for at once, at most. */
const REDRIVEN_AT_ONCE = 1_000;

/** Clicks that could not be stored, for the platform's operators. The worker does what is asked for here. */
@Injectable()
export class DeadLettersService {
  constructor(
    private readonly transactions: Transactions,
    private readonly letters: DeadLettersRepository,
    private readonly cursors: Cursors,
    private readonly secrets: Secrets,
    private readonly audit: AuditRecorder,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  async list(ctx: Context, { limit, cursor, waiting }: ListDeadLetters): Promise<Page<DeadLetterRow>> {
    const list = `dead-letters ${waiting}`;
    const before = this.cursors.read(ctx, list, cursor) as [string, string] | undefined;
    const rows = await this.transactions.run(ctx, (tx) => this.letters.list(tx, limit, waiting, before));
    return this.cursors.page(ctx, list, rows, limit, ({ failedAt, id }) => [failedAt.toISOString(), id]);
  }

  async get(ctx: Context, id: string): Promise<OpenedLetter> {
    return this.transactions.run(ctx, async (tx) => {
      const { sealed, ...letter } = await this.found(tx, id);
      await this.audit.record(tx, ctx, { action: 'dead_letter.opened', target: toPublicId('dead', id) });
      return { ...letter, click: this.clickIn(id, sealed) };
    });
  }

  /** It is tried again within seconds, and waits again if it fails again. */
  async redrive(ctx: Context, id: string): Promise<DeadLetterRow> {
    return this.transactions.run(ctx, async (tx) => {
      const { redrivenAt } = await this.found(tx, id);
      if (redrivenAt) throw alreadyRedriven();
      await this.note(tx, ctx, await this.letters.request(tx, 1, [id]));
      return this.found(tx, id);
    });
  }

  /** The same for those that wait longest. @returns how many, and whether there may be more */
  async redriveAll(ctx: Context): Promise<{ requested: number; more: boolean }> {
    const requested = await this.transactions.run(ctx, async (tx) => {
      const letters = await this.letters.request(tx, REDRIVEN_AT_ONCE);
      await this.note(tx, ctx, letters);
      return letters.length;
    });
    return { requested, more: requested === REDRIVEN_AT_ONCE };
  }

  /** In the trail of each click's tenant, and for those without one in the log. */
  private async note(tx: Tx, ctx: Context, letters: RequestedLetter[]): Promise<void> {
    const byTenant = Map.groupBy(letters, ({ tenantId }) => tenantId);
    for (const [tenantId, own] of byTenant) {
      if (tenantId !== null) await this.transactions.asTenant(tx, tenantId, (theirs) => this.record(theirs, ctx, own));
    }
    for (const { id, tenantId, segment } of letters) {
      const deadLetter = toPublicId('dead', id);
      const { actor, requestId } = ctx;
      this.logger.info({ deadLetter, tenantId, segment, actor, requestId }, 'A dead letter is to be tried again');
    }
  }

  private async record(tx: Tx, ctx: Context, letters: RequestedLetter[]): Promise<void> {
    for (const { id, segment, error } of letters) {
      const target = toPublicId('dead', id);
      await this.audit.record(tx, ctx, { action: 'dead_letter.redriven', target, before: { segment, error } });
    }
  }

  private async found(tx: Tx, id: string): Promise<DeadLetterRow & { sealed: Buffer }> {
    const letter = await this.letters.find(tx, id);
    if (!letter) throw deadLetterNotFound();
    return letter;
  }

  private clickIn(id: string, sealed: Buffer): object | null {
    const letter = this.open(id, sealed);
    if (!letter || !('click' in letter)) return null;
    const { address: _, occurredAt, ...shown } = letter.click;
    return { ...shown, occurredAt: timeOf(occurredAt) };
  }

  /** @returns undefined for one that no key opens: what else is known of it is shown all the same */
  private open(id: string, sealed: Buffer): DeadLetter | undefined {
    try {
      return JSON.parse(this.secrets.open(DEAD_CLICKS_KEY, sealed)) as DeadLetter;
    } catch (error) {
      const deadLetter = toPublicId('dead', id);
      this.logger.error({ deadLetter, reason: String(error) }, 'A dead letter can not be opened');
      return undefined;
    }
  }
}

/** What is wrong with a click may be its time. */
function timeOf(ms: number): string | number {
  const time = new Date(ms);
  return Number.isNaN(time.getTime()) ? ms : time.toISOString();
}
