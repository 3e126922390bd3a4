import { Injectable } from '@nestjs/common';
import { IngestDatabase } from '../platform/database/ingest-database.js';

export interface DeadClick {
  id: string;
  tenantId: string | null;
  kind: 'click' | 'segment';
  segment: string;
  error: string;
  sealed: Buffer;
  hasAddress: boolean;
}

type Sealed = Pick<DeadClick, 'id' | 'kind' | 'sealed'>;

/** As waypost_ingest: dead letters of all tenants, and of none. */
@Injectable()
export class DeadClicksRepository {
  constructor(private readonly database: IngestDatabase) {}

  /** @returns false when it was there already: what is delivered twice fails twice, and is one dead letter */
  async bury({ id, tenantId, kind, segment, error, sealed, hasAddress }: DeadClick): Promise<boolean> {
    const rows = await this.database.query(
      `INSERT INTO dead_clicks (id, tenant_id, kind, segment, error, sealed, has_address)
       VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING id`,
      [id, tenantId, kind, segment, error, sealed, hasAddress],
    );
    return rows.length > 0;
  }

  /** Those that an operator wants tried again, oldest first. */
  requested(limit: number): Promise<Sealed[]> {
    return this.database.query<Sealed>(
      `SELECT id, kind, sealed FROM dead_clicks WHERE redriven_at IS NULL AND redrive_requested_at IS NOT NULL
       ORDER BY redrive_requested_at, id LIMIT $1`,
      [limit],
    );
  }

  async redriven(id: string): Promise<void> {
    await this.database.query('UPDATE dead_clicks SET redriven_at = now() WHERE id = $1', [id]);
  }

  /** It waits for an operator once more. */
  async failedAgain(id: string, error: string): Promise<void> {
    await this.database.query('UPDATE dead_clicks SET redrive_requested_at = NULL, error = $2 WHERE id = $1', [
      id,
      error,
    ]);
  }

  async waiting(): Promise<number> {
    const [row] = await this.database.query<{ waiting: number }>(
      'SELECT count(*)::int AS waiting FROM dead_clicks WHERE redriven_at IS NULL',
    );
    return row?.waiting ?? 0;
  }

  /** Clicks that still have a visitor's address after this many days. */
  withAddress(days: number, afterId: string, limit: number): Promise<Sealed[]> {
    return this.database.query<Sealed>(
      `SELECT id, kind, sealed FROM dead_clicks
       WHERE has_address AND kind = 'click' AND failed_at < now() - make_interval(days => $1) AND id > $2
       ORDER BY id LIMIT $3`,
      [days, afterId, limit],
    );
  }

  async replaceSealed(id: string, sealed: Buffer): Promise<void> {
    await this.database.query('UPDATE dead_clicks SET sealed = $2, has_address = false WHERE id = $1', [id, sealed]);
  }

  /** Those that do not begin as what is sealed now does. */
  sealedOtherwise(header: Buffer, afterId: string, limit: number): Promise<Sealed[]> {
    return this.database.query<Sealed>(
      `SELECT id, kind, sealed FROM dead_clicks
       WHERE id > $2 AND substring(sealed FROM 1 FOR length($1::bytea)) <> $1 ORDER BY id LIMIT $3`,
      [header, afterId, limit],
    );
  }

  /** The same content, sealed anew; unless it was changed meanwhile. */
  async reseal(id: string, before: Buffer, sealed: Buffer): Promise<void> {
    await this.database.query('UPDATE dead_clicks SET sealed = $3 WHERE id = $1 AND sealed = $2', [id, before, sealed]);
  }

  /** Those that were stored after all, and segments, which can not be opened to take the addresses out. */
  async forget(days: number): Promise<number> {
    const rows = await this.database.query(
      `WITH gone AS (
         DELETE FROM dead_clicks
         WHERE failed_at < now() - make_interval(days => $1) AND (redriven_at IS NOT NULL OR kind = 'segment')
         RETURNING id)
       SELECT id FROM gone`,
      [days],
    );
    return rows.length;
  }
}
