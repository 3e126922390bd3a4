import { Injectable } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { invalidField } from '../platform/http/domain-error.js';
import { NIL_UUID } from '../platform/ids.js';
import { TenantTurns } from '../platform/resilience/tenant-turns.js';
import { DeploymentKeys } from '../platform/secrets/deployment-keys.js';
import { type NamedMacs, Secrets } from '../platform/secrets/secrets.js';
import { tooManyQuestions } from './audit.errors.js';
import { AuditRecorder } from './audit.recorder.js';
import type { VerifyAuditEvents } from './audit.schemas.js';
import { AuditVerificationRepository, type LooseEvent } from './audit-verification.repository.js';
import { canonicalEvent, NO_HASH } from './canonical-event.js';
import { type Break, ChainCheck, type Verification } from './chain-check.js';
import { canonicalCheckpoint, readCheckpointText, type SignedCheckpoint } from './checkpoint.js';

/** Links of one statement: so much is in memory. */
const BATCH = 1_000;
/** Of one tenant, in this process: a long trail takes a while, and others want to be answered meanwhile. */
const MOST_AT_ONCE = 1;
const MOST_WAITING = 4;

interface Range {
  from: number;
  to: number;
  whole: boolean;
}

@Injectable()
export class AuditVerificationService {
  private readonly turns = new TenantTurns(MOST_AT_ONCE, MOST_WAITING, tooManyQuestions);

  constructor(
    private readonly transactions: Transactions,
    private readonly trail: AuditVerificationRepository,
    private readonly recorder: AuditRecorder,
    private readonly secrets: Secrets,
  ) {}

  /** Reads the chain once, in batches; no transaction is open for longer than one takes. */
  verify(ctx: Context, query: VerifyAuditEvents): Promise<Verification> {
    return this.turns.run(ctx.tenantId, () => this.verification(ctx, query));
  }

  private async verification(ctx: Context, query: VerifyAuditEvents): Promise<Verification> {
    const kept = this.keptCheckpoint(ctx, query.checkpoint);
    await this.transactions.run(ctx, (tx) => this.recorder.recordRead(tx, ctx, 'audit_event.verified', query));
    // Anew each time: another process may have begun to use another SECRET_KEY.
    const { audit: macs } = await DeploymentKeys.load(this.transactions, this.secrets);
    const ends = await this.transactions.run(ctx, (tx) => this.trail.ends(tx));
    const range = {
      from: query.fromSequence ?? 1,
      to: Math.min(query.toSequence ?? ends.link, ends.link),
      whole: query.fromSequence === undefined && query.toSequence === undefined,
    };
    const links = await this.checkLinks(ctx, macs, range);
    const cut = links.firstBreak ?? cutOff(ends) ?? (await this.checkKept(ctx, macs, kept));
    const loose = cut || !range.whole ? { pending: 0, firstBreak: null } : await this.checkLoose(ctx, macs);
    const firstBreak = cut ?? loose.firstBreak;
    return { intact: firstBreak === null, checked: links.checked, pending: loose.pending, firstBreak };
  }

  private keptCheckpoint(ctx: Context, text: string | undefined): SignedCheckpoint | undefined {
    if (text === undefined) return undefined;
    const read = readCheckpointText(ctx.tenantId, text);
    if (!read) throw invalidField('/checkpoint', 'invalid_checkpoint', 'This is no checkpoint.');
    return read;
  }

  private async checkLinks(
    ctx: Context,
    macs: NamedMacs,
    { from, to }: Range,
  ): Promise<{ checked: number; firstBreak: Break | null }> {
    const before = from - 1;
    const hash = before === 0 ? NO_HASH : await this.transactions.run(ctx, (tx) => this.trail.hashAt(tx, before));
    if (!hash) return { checked: 0, firstBreak: to < from ? null : lacking(before) };
    const check = new ChainCheck(macs, { seq: before, hash });
    for (let after = before; after < to;) {
      const links = await this.transactions.run(ctx, (tx) => this.trail.links(tx, { after, to }, BATCH));
      if (links.length === 0) return { checked: after - before, firstBreak: lacking(after + 1) };
      for (const link of links) {
        const firstBreak = check.next(link);
        if (firstBreak) return { checked: after - before, firstBreak };
        after = link.seq;
      }
    }
    return { checked: Math.max(0, to - before), firstBreak: null };
  }

  /** Against what the log says, the whole database may be another. */
  private async checkKept(ctx: Context, macs: NamedMacs, kept: SignedCheckpoint | undefined): Promise<Break | null> {
    if (!kept) return null;
    if (!macs.check(canonicalCheckpoint(kept), kept.signature)) {
      throw invalidField('/checkpoint', 'invalid_checkpoint', 'This checkpoint was not made here for this tenant.');
    }
    const found = await this.transactions.run(ctx, (tx) => this.trail.hashAt(tx, kept.seq));
    if (found?.equals(kept.hash)) return null;
    const at = { sequence: kept.seq, eventId: null };
    if (found)
      return { ...at, fault: 'rewritten', detail: 'The chain is not the one that the checkpoint was made of.' };
    return { ...at, fault: 'cut', detail: 'The chain ends before the checkpoint.' };
  }

  /** What is in the trail and in no chain: it was recorded a moment ago, or it never was. */
  private async checkLoose(ctx: Context, macs: NamedMacs): Promise<{ pending: number; firstBreak: Break | null }> {
    const vanished = await this.transactions.run(ctx, (tx) => this.trail.vanished(tx));
    if (vanished !== undefined) {
      const detail = 'The event was deleted before it was chained.';
      return { pending: 0, firstBreak: { fault: 'missing', sequence: null, eventId: vanished, detail } };
    }
    let pending = 0;
    for (let after: string | undefined = NIL_UUID; after !== undefined;) {
      const from: string = after;
      const { loose, last } = await this.transactions.run(ctx, (tx) => this.trail.loose(tx, from, BATCH));
      for (const event of loose) {
        const firstBreak = faultOfLoose(event, macs);
        if (firstBreak) return { pending, firstBreak };
        pending++;
      }
      after = last;
    }
    return { pending, firstBreak: null };
  }
}

function faultOfLoose({ id, mac, noted, event }: LooseEvent, macs: NamedMacs): Break | null {
  const at = { sequence: null, eventId: id };
  if (!noted || !mac) return { ...at, fault: 'inserted', detail: 'The event was not recorded by this service.' };
  if (event && macs.check(canonicalEvent(event), mac)) return null;
  return { ...at, fault: 'changed', detail: 'The event is not what was recorded.' };
}

const lacking = (sequence: number): Break => ({
  fault: 'missing',
  sequence,
  eventId: null,
  detail: 'A link of the chain is not there.',
});

/** Each batch that is chained ends with a checkpoint. */
function cutOff({ link, checkpoint }: { link: number; checkpoint: number }): Break | null {
  if (link === checkpoint) return null;
  const detail =
    link < checkpoint ? 'The chain ends before its last checkpoint.' : 'The chain goes on beyond its last checkpoint.';
  return { fault: 'cut', sequence: Math.min(link, checkpoint) + 1, eventId: null, detail };
}
