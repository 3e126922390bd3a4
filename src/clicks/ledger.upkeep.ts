import { InjectQueue } from '@nestjs/bullmq';
import { Inject, Injectable } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { Config } from '../platform/config/config.js';
import { isDataFault } from '../platform/database/database-errors.js';
import { firstIdOf, NIL_UUID } from '../platform/ids.js';
import { Secrets } from '../platform/secrets/secrets.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { CLICKS_QUEUE, type ClicksJob, DEAD_CLICKS_KEY, type DeadLetter } from './clicks.jobs.js';
import { ClicksService } from './clicks.service.js';
import { DeadClicksRepository } from './dead-clicks.repository.js';
import { lookAtLedger } from './ledger-look.reader.js';
import type { Difference } from './reconciliation.js';
import { SegmentsRepository } from './segments.repository.js';
import { SegmentsService } from './segments.service.js';

const AT_ONCE = 500;
const DAY_MS = 24 * 3600 * 1000;
/** Visitors of a day are told apart for two days after it: then an address serves nothing. */
const ADDRESS_DAYS = 2;
const DEAD_LETTER_DAYS = 30;
/** What is reconciled lies well within. */
const SEGMENT_DAYS = 14;
/** Other upkeep waits meanwhile; the next run goes on. */
const FORGETTING_MS = 20_000;
/** Yesterday and today: the command looks further back. */
const RECONCILED_DAYS = 2;
/** Other upkeep waits meanwhile. A deployment too large for this has the command run by itself. */
const LONGEST_STATEMENT_MS = 60_000;

/** What operators have asked for, and what has been kept long enough. */
@Injectable()
export class LedgerUpkeep {
  constructor(
    private readonly clicks: ClicksService,
    private readonly segments: SegmentsService,
    private readonly deadClicks: DeadClicksRepository,
    private readonly settled: SegmentsRepository,
    private readonly secrets: Secrets,
    private readonly config: Config,
    @InjectQueue(CLICKS_QUEUE) private readonly queue: Queue<ClicksJob>,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Tries again what operators want tried again. What fails once more waits for them once more. */
  async redrive(): Promise<void> {
    let requested = AT_ONCE;
    while (requested === AT_ONCE) {
      const letters = await this.deadClicks.requested(AT_ONCE);
      for (const { id, sealed } of letters) await this.redriveOne(id, sealed);
      requested = letters.length;
    }
  }

  /** @returns by how much the ledger does not add up. Spools are other machines': what is in them has not been accounted for yet */
  async reconcile(): Promise<Difference> {
    const { difference, drift } = await lookAtLedger({
      connectionString: this.config.databaseUrls.ingest,
      applicationName: 'waypost-reconcile-ledger',
      queue: this.queue,
      secrets: this.secrets,
      folders: [],
      days: RECONCILED_DAYS,
      longestStatementMs: LONGEST_STATEMENT_MS,
    });
    if (drift.length > 0) this.logger.error({ drift, ...difference }, 'The click ledger does not add up');
    return difference;
  }

  /** What fails of this keeps nothing else waiting. */
  async forget(): Promise<void> {
    const ends = await Promise.allSettled([this.forgetAddresses(), this.forgetLetters(), this.forgetSegments()]);
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed) throw failed.reason;
  }

  private async forgetAddresses(): Promise<void> {
    const end = performance.now() + FORGETTING_MS;
    for (let after = NIL_UUID, more = true; more && performance.now() < end;) {
      const letters = await this.deadClicks.withAddress(ADDRESS_DAYS, after, AT_ONCE);
      for (const { id, sealed } of letters) await this.forgetAddress(id, sealed);
      more = letters.length === AT_ONCE;
      after = letters.at(-1)?.id ?? after;
    }
  }

  private async forgetAddress(id: string, sealed: Buffer): Promise<void> {
    const letter = this.open(id, sealed);
    if (!letter) return;
    if ('click' in letter) letter.click.address = '';
    await this.deadClicks.replaceSealed(id, this.secrets.seal(DEAD_CLICKS_KEY, JSON.stringify(letter)));
  }

  private async forgetLetters(): Promise<void> {
    const letters = await this.deadClicks.forget(DEAD_LETTER_DAYS);
    if (letters > 0)
      this.logger.info({ letters }, 'Deleted dead letters that were stored after all, or can not be opened');
  }

  private async forgetSegments(): Promise<void> {
    await this.settled.forget(firstIdOf(new Date(Date.now() - SEGMENT_DAYS * DAY_MS)));
  }

  private async redriveOne(id: string, sealed: Buffer): Promise<void> {
    const fault = await this.faultOf(id, sealed);
    if (fault === undefined) {
      await this.deadClicks.redriven(id);
      this.logger.info({ deadLetter: id }, 'A dead letter was stored after all');
    } else {
      await this.deadClicks.failedAgain(id, fault);
      this.logger.warn({ deadLetter: id, reason: fault }, 'A dead letter still can not be stored');
    }
  }

  /** @returns why it can not be stored; undefined when it is */
  private async faultOf(id: string, sealed: Buffer): Promise<string | undefined> {
    const letter = this.open(id, sealed);
    if (!letter) return 'It can not be opened: sealed under a key that is not known here, or changed';
    if ('job' in letter) return (await this.segments.store(letter.job))?.message;
    try {
      const dropped = await this.clicks.store([{ ...letter.click, segment: letter.segment }]);
      return dropped.length > 0 ? 'It is too old, or its link is deleted' : undefined;
    } catch (error) {
      if (!isDataFault(error)) throw error;
      return String(error).replaceAll('\0', '');
    }
  }

  /** @returns undefined for one that no key opens: the others must not wait for that */
  private open(id: string, sealed: Buffer): DeadLetter | undefined {
    try {
      return JSON.parse(this.secrets.open(DEAD_CLICKS_KEY, sealed)) as DeadLetter;
    } catch (error) {
      this.logger.error({ deadLetter: id, reason: String(error) }, 'A dead letter can not be opened');
      return undefined;
    }
  }
}
