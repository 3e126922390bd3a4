import { Injectable } from '@nestjs/common';
import type { QueryRunner } from 'typeorm';
import { joinByKey } from '../platform/join-by-key.js';
import { type ChainLink, NO_HASH } from './canonical-event.js';
import type { SignedCheckpoint } from './checkpoint.js';

const SEALER_LOCK = 7_719_255;

export interface PendingEvent {
  tenantId: string;
  eventId: string;
  mac: Buffer;
}

/** Where a tenant's chain ends. */
export interface ChainEnd {
  seq: number;
  hash: Buffer;
}

export type HashedLink = ChainLink & { hash: Buffer };

/** What the worker does to the chains of all tenants, as waypost_ingest. It sees no event's content. */
@Injectable()
export class AuditChainRepository {
  /** One sealer works at a time; the lock is the transaction's, so it passes on when a worker dies. */
  async lead(runner: QueryRunner): Promise<boolean> {
    const [row] = (await runner.query('SELECT pg_try_advisory_xact_lock($1) AS leader', [SEALER_LOCK])) as [
      { leader: boolean },
    ];
    return row.leader;
  }

  /** By id: of two events of one process the one that was committed first is chained first. */
  pending(runner: QueryRunner, limit: number): Promise<PendingEvent[]> {
    return runner.query(
      `SELECT tenant_id AS "tenantId", event_id AS "eventId", mac FROM audit_pending
       WHERE mac IS NOT NULL ORDER BY event_id LIMIT $1`,
      [limit],
    ) as Promise<PendingEvent[]>;
  }

  /** Of these, which are in the chain. A plan that read the whole chain would be one too many. */
  async chained(
    runner: QueryRunner,
    events: PendingEvent[],
    distributed: boolean,
  ): Promise<Array<Omit<PendingEvent, 'mac'>>> {
    return runner.query(
      `SELECT t.tenant_id AS "tenantId", t.event_id AS "eventId"
       FROM unnest($1::uuid[], $2::uuid[]) AS t (tenant_id, event_id)
       ${joinByKey(distributed, 'audit_chain', 'there.tenant_id = t.tenant_id AND there.event_id = t.event_id')}`,
      [events.map(({ tenantId }) => tenantId), events.map(({ eventId }) => eventId)],
    ) as Promise<Array<Omit<PendingEvent, 'mac'>>>;
  }

  /** Those of before there was a chain. In a chain that has begun there are none: what looks like one was made up. */
  adoptable(runner: QueryRunner, limit: number): Promise<Array<Omit<PendingEvent, 'mac'>>> {
    return runner.query(
      `SELECT tenant_id AS "tenantId", event_id AS "eventId" FROM audit_pending AS p
       WHERE mac IS NULL AND NOT EXISTS (
         SELECT FROM audit_chain AS c WHERE c.tenant_id = p.tenant_id AND NOT c.adopted)
       ORDER BY event_id LIMIT $1`,
      [limit],
    ) as Promise<Array<Omit<PendingEvent, 'mac'>>>;
  }

  async forget(runner: QueryRunner, tenantId: string, eventIds: string[]): Promise<void> {
    await runner.query(`DELETE FROM audit_pending WHERE tenant_id = $1 AND event_id = ANY ($2)`, [tenantId, eventIds]);
  }

  async ends(runner: QueryRunner, tenantIds: string[], distributed: boolean): Promise<Map<string, ChainEnd>> {
    // Citus looks for the last row of one tenant at a time.
    const questions = distributed ? tenantIds.map((id) => runner.query(END, [id])) : [runner.query(ENDS, [tenantIds])];
    const rows = (await Promise.all(questions)).flat() as Array<ChainEnd & { id: string }>;
    const none = { seq: 0, hash: NO_HASH };
    const found = new Map(rows.map(({ id, ...end }) => [id, end]));
    return new Map(tenantIds.map((id) => [id, found.get(id) ?? none]));
  }

  async append(runner: QueryRunner, links: HashedLink[]): Promise<void> {
    await appendAll(
      runner,
      `INSERT INTO audit_chain (tenant_id, seq, event_id, mac, adopted, hash)
       SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bytea[], $5::boolean[], $6::bytea[])`,
      [
        links.map(({ tenantId }) => tenantId),
        links.map(({ seq }) => seq),
        links.map(({ eventId }) => eventId),
        links.map(({ mac }) => mac),
        links.map(({ adopted }) => adopted),
        links.map(({ hash }) => hash),
      ],
    );
    await runner.query(
      `DELETE FROM audit_pending AS pending USING unnest($1::uuid[], $2::uuid[]) AS chained (tenant_id, event_id)
       WHERE pending.tenant_id = chained.tenant_id AND pending.event_id = chained.event_id`,
      [links.map(({ tenantId }) => tenantId), links.map(({ eventId }) => eventId)],
    );
  }

  async checkpoint(runner: QueryRunner, made: SignedCheckpoint[]): Promise<void> {
    await appendAll(
      runner,
      `INSERT INTO audit_checkpoints (tenant_id, seq, hash, made_at, signature)
       SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bytea[], $4::timestamptz[], $5::bytea[])`,
      [
        made.map(({ tenantId }) => tenantId),
        made.map(({ seq }) => seq),
        made.map(({ hash }) => hash),
        made.map(({ madeAt }) => madeAt),
        made.map(({ signature }) => signature),
      ],
    );
  }
}

const END = 'SELECT tenant_id AS id, seq::float8, hash FROM audit_chain WHERE tenant_id = $1 ORDER BY seq DESC LIMIT 1';

const ENDS = `
  SELECT t.id, c.seq::float8 AS seq, c.hash FROM unnest($1::uuid[]) AS t (id)
  CROSS JOIN LATERAL (SELECT seq, hash FROM audit_chain WHERE tenant_id = t.id ORDER BY seq DESC LIMIT 1) AS c`;

/** Row-level security keeps Citus from inserting rows that could not be in conflict with others: it would copy them. */
async function appendAll(runner: QueryRunner, insert: string, columns: unknown[][]): Promise<void> {
  const [row] = (await runner.query(
    `WITH appended AS (${insert} ON CONFLICT DO NOTHING RETURNING 1) SELECT count(*)::int AS appended FROM appended`,
    columns,
  )) as [{ appended: number }];
  if (row.appended !== columns[0]?.length) throw new Error('A chain of audit events has another end than was read');
}
