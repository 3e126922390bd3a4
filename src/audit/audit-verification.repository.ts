import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';
import type { RecordedEvent } from './canonical-event.js';
import type { FoundLink } from './chain-check.js';

/** An event that is recorded or noted as pending, but not chained. */
export interface LooseEvent {
  id: string;
  /** Null: it was never noted, or is older than the chain. */
  mac: Buffer | null;
  noted: boolean;
  event: RecordedEvent | null;
}

const EVENT = `e.id AS e_id, e.action, e.actor, e.target_type, e.target_id, e.before, e.after, e.request_id,
  e.address_prefix, e.origin, e.origin_count, e.occurred_at`;

interface EventRow {
  e_id: string | null;
  action: string;
  actor: string;
  target_type: string;
  target_id: string;
  before: object | null;
  after: object | null;
  request_id: string;
  address_prefix: string | null;
  origin: string | null;
  origin_count: string | null;
  occurred_at: Date;
}

interface LinkRow extends EventRow {
  seq: number;
  event_id: string;
  mac: Buffer;
  adopted: boolean;
  hash: Buffer;
  k_hash: Buffer | null;
  made_at: Date;
  signature: Buffer;
}

/** Reads the trail of the transaction's tenant for those who check it. */
@Injectable()
export class AuditVerificationRepository {
  async byIds(tx: Tx, ids: string[]): Promise<RecordedEvent[]> {
    const rows = (await tx.manager.query(
      `SELECT ${EVENT} FROM audit_events e WHERE e.tenant_id = $1 AND e.id = ANY ($2) ORDER BY e.id`,
      [tx.tenantId, ids],
    )) as EventRow[];
    return rows.flatMap((row) => eventIn(tx, row) ?? []);
  }

  /** The last link and the last checkpoint, one of which may lie beyond the other. */
  async ends(tx: Tx): Promise<{ link: number; checkpoint: number }> {
    const [row] = (await tx.manager.query(
      `SELECT (SELECT coalesce(max(seq), 0)::float8 FROM audit_chain WHERE tenant_id = $1) AS link,
              (SELECT coalesce(max(seq), 0)::float8 FROM audit_checkpoints WHERE tenant_id = $1) AS checkpoint`,
      [tx.tenantId],
    )) as [{ link: number; checkpoint: number }];
    return row;
  }

  async hashAt(tx: Tx, seq: number): Promise<Buffer | undefined> {
    const [row] = (await tx.manager.query(`SELECT hash FROM audit_chain WHERE tenant_id = $1 AND seq = $2`, [
      tx.tenantId,
      seq,
    ])) as Array<{ hash: Buffer }>;
    return row?.hash;
  }

  async links(tx: Tx, { after, to }: { after: number; to: number }, limit: number): Promise<FoundLink[]> {
    const rows = (await tx.manager.query(
      `SELECT c.seq::float8 AS seq, c.event_id, c.mac, c.adopted, c.hash, ${EVENT},
              k.hash AS k_hash, k.made_at, k.signature
       FROM (SELECT * FROM audit_chain WHERE tenant_id = $1 AND seq > $2 AND seq <= $3 ORDER BY seq LIMIT $4) AS c
       LEFT JOIN audit_events e ON e.tenant_id = $1 AND e.id = c.event_id
       LEFT JOIN audit_checkpoints k ON k.tenant_id = $1 AND k.seq = c.seq
       ORDER BY c.seq`,
      [tx.tenantId, after, to, limit],
    )) as LinkRow[];
    return rows.map((row) => linkIn(tx, row));
  }

  /**
   * Of the next events by id, those that are not chained. In one statement: the sealer takes an event from the one to the
   * other at once.
   *
   * @returns `last`: the id to go on after; undefined at the end
   */
  async loose(tx: Tx, after: string, limit: number): Promise<{ loose: LooseEvent[]; last: string | undefined }> {
    const rows = (await tx.manager.query(
      `WITH slice AS (
         SELECT * FROM audit_events WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3)
       SELECT ${EVENT}, p.mac, p.event_id IS NOT NULL AS noted,
              c.event_id IS NOT NULL AS chained, (SELECT id FROM slice ORDER BY id DESC LIMIT 1) AS last
       FROM slice e
       LEFT JOIN audit_chain c ON c.tenant_id = $1 AND c.event_id = e.id
       LEFT JOIN audit_pending p ON p.tenant_id = $1 AND p.event_id = e.id
       WHERE c.event_id IS NULL OR e.id = (SELECT id FROM slice ORDER BY id DESC LIMIT 1)
       ORDER BY e.id`,
      [tx.tenantId, after, limit],
    )) as Array<EventRow & { e_id: string; mac: Buffer | null; noted: boolean; chained: boolean; last: string }>;
    const loose = rows
      .filter(({ chained }) => !chained)
      .map((row) => ({ id: row.e_id, mac: row.mac, noted: row.noted, event: eventIn(tx, row) }));
    return { loose, last: rows[0]?.last };
  }

  /** Noted as pending, and not there. */
  async vanished(tx: Tx): Promise<string | undefined> {
    const [row] = (await tx.manager.query(
      `SELECT p.event_id AS id FROM audit_pending p
       WHERE p.tenant_id = $1
         AND NOT EXISTS (SELECT FROM audit_events e WHERE e.tenant_id = $1 AND e.id = p.event_id)
       ORDER BY 1 LIMIT 1`,
      [tx.tenantId],
    )) as Array<{ id: string }>;
    return row?.id;
  }
}

function eventIn({ tenantId }: Tx, row: EventRow): RecordedEvent | null {
  if (row.e_id === null) return null;
  return {
    tenantId,
    id: row.e_id,
    action: row.action,
    actor: row.actor,
    targetType: row.target_type,
    targetId: row.target_id,
    before: row.before,
    after: row.after,
    requestId: row.request_id,
    addressPrefix: row.address_prefix,
    origin: row.origin,
    originCount: row.origin_count,
    occurredAt: row.occurred_at,
  };
}

function linkIn(tx: Tx, row: LinkRow): FoundLink {
  const { tenantId } = tx;
  const { seq, mac, adopted, hash, signature } = row;
  return {
    tenantId,
    seq,
    eventId: row.event_id,
    mac,
    adopted,
    hash,
    event: eventIn(tx, row),
    checkpoint: row.k_hash && { tenantId, seq, hash: row.k_hash, madeAt: row.made_at, signature },
  };
}
