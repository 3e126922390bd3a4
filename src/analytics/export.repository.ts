import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';
import { AnalyticsRepository } from './analytics.repository.js';
import { DIMENSIONS, type Dimension } from './dimensions.js';
import type { ExportPosition } from './export-cursor.js';
import { clickConditions } from './question-sql.js';
import { Values } from './sql-values.js';
import type { ClickFilter } from './question.js';
import type { Span } from './whole-days.js';

export type ExportedRow = Record<Dimension, string | null> & {
  id: string;
  occurredAt: Date;
  position: string;
  /** Number of the transaction that stored it. */
  ingested: string;
  linkId: string;
  domain: string | null;
  key: string | null;
  bot: boolean;
};

const COLUMNS = Object.entries(DIMENSIONS)
  .map(([name, column]) => `click.${column} AS "${name}"`)
  .join(', ');

/** Details of the clicks that a query gives. */
export const detailsOf = (clicks: string): string => `
      SELECT click.id, click.occurred_at AS "occurredAt",
             to_char(click.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS position,
             click.ingested, click.link_id AS "linkId", domain.hostname AS domain, link.key, ${COLUMNS}, click.bot
      FROM (${clicks}) AS click
      LEFT JOIN links AS link ON link.tenant_id = $1 AND link.id = click.link_id
      LEFT JOIN domains AS domain ON domain.tenant_id = $1 AND domain.id = click.domain_id`;

/** Reads single clicks, oldest first. */
@Injectable()
export class ExportRepository {
  constructor(private readonly analytics: AnalyticsRepository) {}

  async batch(
    tx: Tx,
    { from, to }: Span,
    filter: { filter: ClickFilter; bots: boolean },
    after: ExportPosition | undefined,
    limit: number,
  ): Promise<ExportedRow[]> {
    const values = new Values(tx.tenantId);
    const span = `occurred_at >= ${values.add(from, 'timestamptz')} AND occurred_at < ${values.add(to, 'timestamptz')}`;
    const beyond = after
      ? ` AND occurred_at >= ${values.add(after.time, 'timestamptz')}
          AND (occurred_at, id) > (${values.add(after.time, 'timestamptz')}, ${values.add(after.id, 'uuid')})`
      : '';
    const conditions = clickConditions({ ...filter, groupBy: 'count' }, values);
    const clicks = `
        SELECT * FROM clicks WHERE tenant_id = $1 AND ${span}${beyond}${conditions}
        ORDER BY occurred_at, id LIMIT ${values.add(limit, 'int')}`;
    const sql = `${detailsOf(clicks)} ORDER BY click.occurred_at, click.id`;
    return this.analytics.ask<ExportedRow>(tx, { sql, values: values.all });
  }
}
