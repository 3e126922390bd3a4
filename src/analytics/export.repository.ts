import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';
import { AnalyticsRepository } from './analytics.repository.js';
import { DIMENSIONS, type Dimension } from './dimensions.js';
import { clickConditions, Values } from './question-sql.js';
import type { ClickFilter } from './question.js';
import type { Span } from './whole-days.js';

/** Where an export stands: after this click. The time has microseconds. */
export interface ExportPosition {
  time: string;
  id: string;
}

export type ExportedRow = Record<Dimension, string | null> & {
  id: string;
  occurredAt: Date;
  position: string;
  linkId: string;
  domain: string | null;
  key: string | null;
  bot: boolean;
};

const COLUMNS = Object.entries(DIMENSIONS)
  .map(([name, column]) => `click.${column} AS "${name}"`)
  .join(', ');

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
    const sql = `
      SELECT click.id, click.occurred_at AS "occurredAt",
             to_char(click.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS position,
             click.link_id AS "linkId", domain.hostname AS domain, link.key, ${COLUMNS}, click.bot
      FROM (
        SELECT * FROM clicks WHERE tenant_id = $1 AND ${span}${beyond}${conditions}
        ORDER BY occurred_at, id LIMIT ${values.add(limit, 'int')}
      ) AS click
      LEFT JOIN links AS link ON link.tenant_id = $1 AND link.id = click.link_id
      LEFT JOIN domains AS domain ON domain.tenant_id = $1 AND domain.id = click.domain_id
      ORDER BY click.occurred_at, click.id`;
    return this.analytics.ask<ExportedRow>(tx, { sql, values: values.all });
  }
}
