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

/** How many clicks one look takes at most, of how many that it looks at. */
interface Look {
  matches: number;
  clicks: number;
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

  /**
   * Clicks after this position. The filter stands outside of the limit: else one that finds nothing would read them all.
   *
   * @returns `reached`: where to go on if there may be more of what is settled
   */
  async after(
    tx: Tx,
    position: LivePosition,
    filter: { filter: ClickFilter; bots: boolean },
    look: Look,
  ): Promise<{ rows: ExportedRow[]; settled: string; reached: LivePosition | undefined }> {
    // Read first: what is settled now is settled in the next statement, too.
    const settled = await this.now(tx);
    const values = new Values(tx.tenantId);
    const looked = `
          SELECT * FROM clicks WHERE ${beyond(position, settled, values)}
          ORDER BY ingested, id LIMIT ${values.add(look.clicks, 'int')}`;
    const found = `
        SELECT * FROM (${looked}) AS looked
        WHERE true${clickConditions({ ...filter, groupBy: 'count' }, values)}
        ORDER BY ingested, id LIMIT ${values.add(look.matches, 'int')}`;
    const sql = `${detailsOf(found)} ORDER BY click.ingested, click.id`;
    const rows = await this.analytics.ask<ExportedRow>(tx, { sql, values: values.all });
    const reached = rows.length < look.matches ? await this.last(tx, position, settled, look) : rows.at(-1);
    return { rows, settled, reached: reached && { ingested: reached.ingested, id: reached.id } };
  }

  /** @returns undefined where a look does not come to its end */
  private async last(tx: Tx, from: LivePosition, settled: string, look: Look): Promise<LivePosition | undefined> {
    const values = new Values(tx.tenantId);
    const [click] = await this.analytics.ask<LivePosition>(tx, {
      sql: `SELECT ingested, id FROM clicks WHERE ${beyond(from, settled, values)}
            ORDER BY ingested, id OFFSET ${values.add(look.clicks - 1, 'int')} LIMIT 1`,
      values: values.all,
    });
    return click;
  }
}

function beyond({ ingested, id }: LivePosition, settled: string, values: Values): string {
  const from = values.add(ingested, 'bigint');
  return `tenant_id = $1 AND ingested >= ${from} AND ingested < ${values.add(settled, 'bigint')}
            AND (ingested, id) > (${from}, ${values.add(id, 'uuid')})`;
}
