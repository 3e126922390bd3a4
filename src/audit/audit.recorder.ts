import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { v7 } from 'uuid';
import type { Context, Tx } from '../platform/context/context.js';
import { newId, timeOfId, toPublicId } from '../platform/ids.js';
import { NamedMacs, Secrets } from '../platform/secrets/secrets.js';
import { AuditRepository } from './audit.repository.js';
import { canonicalEvent, type RecordedEvent } from './canonical-event.js';
import { redact } from './redact.js';

export interface Change {
  /** `link.created`: what was done to which kind of thing. */
  action: `${string}.${string}`;
  /** Public id of what was changed. */
  target: string;
  /** Its public form before and after; absent where there is none. Secrets are left out here, once more. */
  before?: object;
  after?: object;
}

/** Tenants whose events this process counts. One that is forgotten begins a new origin. */
const COUNTED_TENANTS = 10_000;

/** Records a change in the transaction that makes it: there is never one without the other. */
@Injectable()
export class AuditRecorder {
  private readonly macs: NamedMacs;
  /** What this process has committed. Each event says so: nobody can take one away unnoticed before it is chained. */
  private readonly committed = new LRUCache<string, { origin: string; count: number }>({ max: COUNTED_TENANTS });

  constructor(
    private readonly events: AuditRepository,
    secrets: Secrets,
  ) {
    this.macs = NamedMacs.current(secrets, 'audit');
  }

  async record(tx: Tx, ctx: Context, { action, target, before, after }: Change): Promise<void> {
    const id = newId();
    const tally = this.tallyOf(tx.tenantId);
    const event: RecordedEvent = {
      tenantId: tx.tenantId,
      id,
      action,
      actor: ctx.actor,
      targetType: action.slice(0, action.indexOf('.')),
      targetId: target,
      before: before ? redact(before) : null,
      after: after ? redact(after) : null,
      requestId: ctx.requestId,
      addressPrefix: ctx.addressPrefix ?? null,
      origin: tally.origin,
      originCount: String(tally.count),
      occurredAt: timeOfId(id),
    };
    await this.events.append(tx, event, this.macs.make(canonicalEvent(event)));
    tx.afterCommit?.push(() => tally.count++);
  }

  /** That somebody read what is sensitive: whose list it is, and what was asked for. */
  async recordRead(tx: Tx, ctx: Context, action: `${string}.${string}`, asked: object = {}): Promise<void> {
    const target = toPublicId('tnt', tx.tenantId);
    await this.record(tx, ctx, { action, target, ...(Object.keys(asked).length > 0 && { after: asked }) });
  }

  private tallyOf(tenantId: string): { origin: string; count: number } {
    const known = this.committed.get(tenantId);
    if (known) return known;
    const tally = { origin: v7(), count: 0 };
    this.committed.set(tenantId, tally);
    return tally;
  }
}
