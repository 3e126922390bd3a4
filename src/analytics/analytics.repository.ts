import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';
import type { TimeRange } from './time-range.js';

export interface ClickFilter {
  linkId?: string | undefined;
  domainId?: string | undefined;
}

export interface Slice {
  start: Date;
  clicks: number;
}

// $2 from (or null: from the first click on), $3 to, $4 link, $5 domain
const MATCHING = `
  rollup.tenant_id = $1
  AND ($2::timestamptz IS NULL OR rollup.bucket >= $2) AND rollup.bucket < $3
  AND ($4::uuid IS NULL OR rollup.link_id = $4)
  AND ($5::uuid IS NULL OR rollup.link_id IN (SELECT id FROM links WHERE tenant_id = $1 AND domain_id = $5))`;

const COUNT = `SELECT coalesce(sum(clicks), 0)::float8 AS clicks FROM click_rollups AS rollup WHERE ${MATCHING}`;

// Slices are there also when nobody clicked. Days are cut in local time ($7), where one may have 23 or 25 hours or begin
// at 01:00. Hours are cut in absolute time from a local full hour on: an hour that the clock shows twice is two, and on
// Lord Howe Island the clock moves by half an hour.
const TIMESERIES = `
  WITH counted AS MATERIALIZED (
    SELECT CASE $6
             WHEN 'hour' THEN date_bin('1 hour', rollup.bucket, date_trunc('hour', $2::timestamptz, $7))
             ELSE date_trunc('day', rollup.bucket, $7)
           END AS start,
           sum(clicks)::float8 AS clicks
    FROM click_rollups AS rollup WHERE ${MATCHING} GROUP BY 1
  ), bounds AS (
    SELECT coalesce($2::timestamptz, (SELECT min(start) FROM counted)) AS first,
           $3::timestamptz - interval '1 microsecond' AS last
  ), slices AS (
    SELECT generate_series(date_trunc('hour', first, $7), last, interval '1 hour') AS start
    FROM bounds WHERE $6 = 'hour'
    UNION ALL
    SELECT generate_series(date_trunc('day', first AT TIME ZONE $7), last AT TIME ZONE $7, interval '1 day') AT TIME ZONE $7
    FROM bounds WHERE $6 = 'day'
  )
  SELECT start, coalesce(clicks, 0) AS clicks FROM slices LEFT JOIN counted USING (start) ORDER BY start`;

/** Reads the quarter-hour rollups of one tenant. */
@Injectable()
export class AnalyticsRepository {
  async count(tx: Tx, range: TimeRange, filter: ClickFilter): Promise<number> {
    const [row] = (await tx.manager.query(COUNT, matching(tx, range, filter))) as [{ clicks: number }];
    return row.clicks;
  }

  timeseries(tx: Tx, range: TimeRange, filter: ClickFilter, timezone: string): Promise<Slice[]> {
    return tx.manager.query(TIMESERIES, [...matching(tx, range, filter), range.unit, timezone]);
  }
}

const matching = (tx: Tx, { from, to }: TimeRange, { linkId, domainId }: ClickFilter): unknown[] => [
  tx.tenantId,
  from ?? null,
  to,
  linkId ?? null,
  domainId ?? null,
];
