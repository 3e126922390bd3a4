import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';
import { isCancelled } from '../platform/database/database-errors.js';
import { queryTooExpensive } from './analytics.errors.js';
import type { Question } from './question.js';
import { type Statement, statementOf } from './question-sql.js';

/** Of one question; connections wait no longer than this for those who ask too much. */
const DEADLINE_MS = 5_000;

const DETAILS_SINCE = `
  SELECT greatest(
    to_timestamp(min(substring(month.relname FROM '^clicks_(\\d{4}_\\d{2})$')) || '_01 00:00+00', 'YYYY_MM_DD HH24:MITZH:TZM'),
    (SELECT now() - make_interval(days => click_retention_days) FROM tenants WHERE id = $1)) AS since
  FROM pg_inherits JOIN pg_class AS month ON month.oid = inhrelid WHERE inhparent = 'clicks'::regclass`;

/** What was counted; clicks are those of people. */
export interface Sums {
  clicks: number;
  visitors: number;
  bots: number;
}

export interface Row extends Sums {
  /** Of a time series: which entry, from 1. */
  slice: number;
  /** Of a breakdown: the value, or null where it is not known. */
  key: string | null;
  /** Of top_links and top_domains. */
  linkId: string;
  linkKey: string;
  url: string;
  domainId: string;
  domain: string;
}

/** Reads the clicks of one tenant, and the sums of them. */
@Injectable()
export class AnalyticsRepository {
  answer(tx: Tx, question: Question): Promise<Row[]> {
    return this.ask(tx, statementOf(tx.tenantId, question));
  }

  /** Start of the quarter-hour of the tenant's first click. */
  async firstClick(tx: Tx): Promise<Date | undefined> {
    const [row] = await this.ask<{ first: Date | null }>(tx, {
      sql: `SELECT min(bucket) AS first FROM tenant_rollups WHERE tenant_id = $1`,
      values: [tx.tenantId],
    });
    return row?.first ?? undefined;
  }

  /** Since when all single clicks are there: what is older than the tenant keeps has been dropped, by month or by day. */
  async detailsSince(tx: Tx): Promise<Date | undefined> {
    const [row] = await this.ask<{ since: Date | null }>(tx, { sql: DETAILS_SINCE, values: [tx.tenantId] });
    return row?.since ?? undefined;
  }

  /** @throws DomainError 422 when the answer takes too long */
  async ask<T = Row>(tx: Tx, { sql, values }: Statement, deadlineMs = DEADLINE_MS): Promise<T[]> {
    try {
      // Compiling a plan would take longer than most answers do.
      await tx.manager.query(`SET LOCAL statement_timeout = ${deadlineMs}; SET LOCAL jit = off`);
      return (await tx.manager.query(sql, values)) as T[];
    } catch (error) {
      throw isCancelled(error) ? queryTooExpensive() : error;
    }
  }
}
