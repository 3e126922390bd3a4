import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';
import { AnalyticsRepository } from './analytics.repository.js';
import { detailsOf, type ExportedRow } from './export.repository.js';
import { clickConditions } from './question-sql.js';
import { Values } from './sql-values.js';
import type { ClickFilter } from './question.js';

/** After which click a stream stands, in the order in which clicks were stored. */
export interface LivePosition {
  /** Number of the transaction. */
  ingested: string;
  id: string;
}

// What transactions before this one have stored is there or never will be: those beyond may still be under way, and end
// in any order.
const SETTLED = `(pg_snapshot_xmin(pg_current_snapshot())::text)::bigint`;

const NEXT = `(pg_snapshot_xmax(pg_current_snapshot())::text)::bigint`;

/** Follows clicks in the order in which they were stored. */
@Injectable()
export class LiveRepository {
  constructor(private readonly analytics: AnalyticsRepository) {}

  /** Before everything that is still to come. */
  async now(tx: Tx): Promise<string> {
    const [row] = await this.analytics.ask<{ settled: string }>(tx, {
      sql: `SELECT ${SETTLED} AS settled`,
      values: [],
    });
    if (!row) throw new Error('The database told no snapshot');
    return row.settled;
  }

  /** The number that no transaction has had yet. */
  async next(tx: Tx): Promise<string> {
    const [row] = await this.analytics.ask<{ next: string }>(tx, { sql: `SELECT ${NEXT} AS next`, values: [] });
    if (!row) throw new Error('The database told no snapshot');
    return row.next;
  }

  /** @returns clicks after this position, and up to where it has looked */
  async after(
    tx: Tx,
    { ingested, id }: LivePosition,
    filter: { filter: ClickFilter; bots: boolean },
    limit: number,
  ): Promise<{ rows: ExportedRow[]; settled: string }> {
    // Read first: what is settled now is settled in the next statement, too.
    const settled = await this.now(tx);
    const values = new Values(tx.tenantId);
    const from = values.add(ingested, 'bigint');
    const clicks = `
        SELECT * FROM clicks
        WHERE tenant_id = $1 AND ingested >= ${from} AND ingested < ${values.add(settled, 'bigint')}
          AND (ingested, id) > (${from}, ${values.add(id, 'uuid')})${clickConditions({ ...filter, groupBy: 'count' }, values)}
        ORDER BY ingested, id LIMIT ${values.add(limit, 'int')}`;
    const sql = `${detailsOf(clicks)} ORDER BY click.ingested, click.id`;
    return { rows: await this.analytics.ask<ExportedRow>(tx, { sql, values: values.all }), settled };
  }
}
