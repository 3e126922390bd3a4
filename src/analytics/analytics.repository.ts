import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';
import { isCancelled } from '../platform/database/database-errors.js';
import type { SpanKind } from '../clicks/click-spans.reader.js';
import { queryTooExpensive } from './analytics.errors.js';
import { type ClickSpan, type Cover, DAY, downTo } from './cover.js';
import type { Question } from './question.js';
import { statementOf } from './question-sql.js';
import type { Statement } from './sql-values.js';
import { quickTopLinks } from './top-links-sql.js';
import type { Span } from './whole-days.js';

/** Of one question; connections wait no longer than this for those who ask too much. */
const DEADLINE_MS = 5_000;

// A day of which clicks have expired is not whole, however many days the tenant keeps since. But for the day in which
// what is kept begins: of that one exactly so much has expired.
const DETAILS_SINCE = `
  WITH kept AS MATERIALIZED (
    SELECT now() - make_interval(days => click_retention_days) AS since FROM tenants WHERE id = $1
  )
  SELECT greatest(
    to_timestamp(min(substring(month.relname FROM '^clicks_(\\d{4}_\\d{2})$')) || '_01 00:00+00', 'YYYY_MM_DD HH24:MITZH:TZM'),
    (SELECT since FROM kept),
    (SELECT (max(day) + 1)::timestamp AT TIME ZONE 'UTC' FROM erased_clicks
     WHERE tenant_id = $1 AND expired > 0
       AND day IS DISTINCT FROM ((SELECT since FROM kept) AT TIME ZONE 'UTC')::date)) AS since
  FROM pg_inherits JOIN pg_class AS month ON month.oid = inhrelid WHERE inhparent = 'clicks'::regclass`;

// A span is up to date as long as no more has been counted in its time than it has. Parts of days serve at the ends of a
// range ($5 and $6), and where time series cut days.
const SPANS = `
  WITH span AS MATERIALIZED (
    SELECT first, hours, counted, click_bounds, all_bounds, visitor_bounds FROM click_spans
    WHERE tenant_id = $1 AND kind = $2 AND first >= $3 AND first < $4 AND (hours >= 24 OR first < $5 OR first >= $6)
  )
  SELECT first, hours,
         CASE WHEN click_bounds IS NOT NULL THEN json_build_object(
           'clicks', click_bounds, 'all', all_bounds, 'visitors', visitor_bounds) END AS bounds
  FROM span
  WHERE counted = CASE WHEN hours >= 24 THEN (
    SELECT sum(clicks + bots) FROM click_days
    WHERE tenant_id = $1 AND dimension = 'trigger' AND day >= (first AT TIME ZONE 'UTC')::date
      AND day < (first AT TIME ZONE 'UTC')::date + hours / 24
  ) ELSE (
    SELECT sum(clicks + bots) FROM tenant_rollups
    WHERE tenant_id = $1 AND bucket >= first AND bucket < first + make_interval(hours => hours)
  ) END`;

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
  async answer(tx: Tx, question: Question, cover?: Cover): Promise<Row[]> {
    const quick = cover && quickTopLinks(tx.tenantId, question, cover);
    if (quick) {
      const rows = await this.ask(tx, quick.statement);
      if (quick.proves(rows)) return rows;
    }
    return this.ask(tx, statementOf(tx.tenantId, question, cover));
  }

  /** Sums that are up to date. @param cuts whether days are cut */
  async spans(tx: Tx, kind: SpanKind, { from, to }: Span, cuts: boolean): Promise<ClickSpan[]> {
    const days = [downTo(from, DAY).getTime(), downTo(to, DAY).getTime()] as const;
    const parts = cuts ? [to, from] : [new Date(days[0] + DAY), new Date(days[1] - DAY)];
    return this.ask<ClickSpan>(tx, { sql: SPANS, values: [tx.tenantId, kind, new Date(days[0]), to, ...parts] });
  }

  /** Whether anything was counted in these times. */
  async anyCounted(tx: Tx, pieces: Span[]): Promise<boolean> {
    const [row] = await this.ask<{ some: boolean }>(tx, {
      sql: `SELECT EXISTS (
              SELECT FROM unnest($2::timestamptz[], $3::timestamptz[]) AS piece (since, until)
              JOIN tenant_rollups ON tenant_id = $1 AND bucket >= since AND bucket < until) AS some`,
      values: [tx.tenantId, pieces.map(({ from }) => from), pieces.map(({ to }) => to)],
    });
    return row?.some ?? false;
  }

  /** Start of the quarter-hour of the tenant's first click. */
  async firstClick(tx: Tx): Promise<Date | undefined> {
    const [row] = await this.ask<{ first: Date | null }>(tx, {
      sql: `SELECT min(bucket) AS first FROM tenant_rollups WHERE tenant_id = $1`,
      values: [tx.tenantId],
    });
    return row?.first ?? undefined;
  }

  /** Since when all single clicks are there: what is older than the tenant keeps, or once kept, has been dropped. */
  async detailsSince(tx: Tx): Promise<Date | undefined> {
    const [row] = await this.ask<{ since: Date | null }>(tx, { sql: DETAILS_SINCE, values: [tx.tenantId] });
    return row?.since ?? undefined;
  }

  /** @throws DomainError 422 when the answer takes too long */
  async ask<T = Row>(tx: Tx, { sql, values }: Statement, deadlineMs = DEADLINE_MS): Promise<T[]> {
    try {
      // In one go, so that they travel together. Compiling a plan would take longer than most answers do.
      const [, , rows] = await Promise.all([
        tx.manager.query(`SET LOCAL statement_timeout = ${deadlineMs}`),
        tx.manager.query('SET LOCAL jit = off'),
        tx.manager.query(sql, values),
      ]);
      return rows as T[];
    } catch (error) {
      throw isCancelled(error) ? queryTooExpensive() : error;
    }
  }
}
