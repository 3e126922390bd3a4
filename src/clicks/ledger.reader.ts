import type pg from 'pg';
import { firstIdOf, NIL_UUID } from '../platform/ids.js';

const DAY_MS = 24 * 3600 * 1000;
const SHOWN = 20;

/** What the database knows of the segments that one process's spool wrote. */
export interface SpoolAccount {
  /** Null for those of an earlier version. */
  spool: string | null;
  segments: number;
  clicks: number;
  stored: number;
  dropped: number;
  dead: number;
  highest: number | null;
}

/** Numbers of a spool, from `first` to `last`, of which no segment was dealt with. */
export interface Gap {
  spool: string;
  first: number;
  last: number;
}

interface Unbalanced {
  segment: string;
  clicks: number;
  stored: number;
  dropped: number;
  dead: number;
}

/** A tenant's day, or a day of all of them, in which two counts of the same clicks differ. */
interface DayDifference {
  what: string;
  tenantId: string | null;
  day: string;
  raw: number;
  other: number;
}

export interface LedgerFacts {
  spools: SpoolAccount[];
  gaps: Gap[];
  unbalanced: Unbalanced[];
  /** Segments some of whose clicks are stored, and that were never settled. */
  unfinished: Array<{ segment: string; stored: number }>;
  /** Of the segments asked about, those that were settled. */
  settled: string[];
  differences: DayDifference[];
  /** Segments that could not be opened: nobody knows how many clicks they have. */
  unreadable: number;
}

const DEAD = `
  SELECT segment, count(*)::int AS dead FROM dead_clicks WHERE redriven_at IS NULL AND kind = 'click' GROUP BY 1`;

// Segments are compared by the time in their ids.
const ACCOUNTS = `
  WITH stored AS (
    SELECT segment_id, sum(stored)::int AS stored FROM click_segment_days WHERE segment_id >= $1 GROUP BY 1
  ), dead AS (${DEAD})
  SELECT s.id AS segment, s.spool, s.number, s.clicks, s.dropped, coalesce(stored.stored, 0) AS stored,
         coalesce(dead.dead, 0) AS dead
  FROM click_segments AS s
  LEFT JOIN stored ON stored.segment_id = s.id
  LEFT JOIN dead ON dead.segment = s.id::text
  WHERE s.id >= $1`;

const SPOOLS = `
  SELECT spool, count(*)::int AS segments, sum(clicks)::float8 AS clicks, sum(stored)::float8 AS stored,
         sum(dropped)::float8 AS dropped, sum(dead)::float8 AS dead, max(number) AS highest
  FROM (${ACCOUNTS}) AS account GROUP BY 1 ORDER BY 1`;

const UNBALANCED = `
  SELECT segment, clicks, stored, dropped, dead FROM (${ACCOUNTS}) AS account
  WHERE clicks <> stored + dropped + dead ORDER BY segment LIMIT ${SHOWN}`;

// A spool that began within the time that is looked at begins with number 0.
const GAPS = `
  SELECT spool, before + 1 AS first, number - 1 AS last
  FROM (
    SELECT spool, number,
           lag(number, 1, CASE WHEN spool >= $1 THEN -1 ELSE number - 1 END) OVER (PARTITION BY spool ORDER BY number) AS before
    FROM (SELECT DISTINCT spool, number FROM click_segments WHERE id >= $1 AND number IS NOT NULL) AS numbers
  ) AS neighbours
  WHERE number > before + 1 ORDER BY spool, first`;

const UNFINISHED = `
  SELECT segment_id AS segment, sum(stored)::int AS stored FROM click_segment_days AS days
  WHERE segment_id >= $1 AND NOT EXISTS (SELECT FROM click_segments WHERE id = days.segment_id)
  GROUP BY 1 ORDER BY 1`;

// Days of UTC, from the one after the ledger's first where clicks are older than the ledger. Of a deleted link clicks and
// rollups go one after the other, and its share of its tenant's rollups stays; a deleted tenant's go altogether.
const DIFFERENCES = `
  WITH days AS (
    SELECT greatest($1::date, (SELECT max(day) + 1 FROM click_segment_days WHERE segment_id = '${NIL_UUID}')) AS first
  ), living AS (
    SELECT id AS tenant_id FROM tenants WHERE deleted_at IS NULL
  ), raw AS (
    SELECT clicks.tenant_id, (occurred_at AT TIME ZONE 'UTC')::date AS day, count(*)::float8 AS clicks,
           count(stats.link_id)::float8 AS of_links
    FROM clicks LEFT JOIN link_stats AS stats USING (tenant_id, link_id)
    WHERE occurred_at >= (SELECT first FROM days)::timestamp AT TIME ZONE 'UTC' GROUP BY 1, 2
  ), erased AS (
    SELECT tenant_id, day, clicks::float8 FROM erased_clicks WHERE day >= (SELECT first FROM days)
  ), ever AS (
    SELECT tenant_id, day, coalesce(raw.clicks, 0) + coalesce(erased.clicks, 0) AS clicks
    FROM raw FULL JOIN erased USING (tenant_id, day)
  ), noted AS (
    SELECT day, sum(stored)::float8 AS clicks FROM click_segment_days
    WHERE day >= (SELECT first FROM days) GROUP BY 1
  ), by_tenant AS (
    SELECT tenant_id, (bucket AT TIME ZONE 'UTC')::date AS day, sum(clicks + bots)::float8 AS clicks FROM tenant_rollups
    WHERE bucket >= (SELECT first FROM days)::timestamp AT TIME ZONE 'UTC' GROUP BY 1, 2
  ), by_day AS (
    SELECT tenant_id, day, sum(clicks + bots)::float8 AS clicks FROM click_days
    WHERE dimension = 'trigger' AND day >= (SELECT first FROM days) GROUP BY 1, 2
  ), by_link AS (
    SELECT rollup.tenant_id, (bucket AT TIME ZONE 'UTC')::date AS day, sum(rollup.clicks + rollup.bots)::float8 AS clicks
    FROM click_rollups AS rollup JOIN link_stats USING (tenant_id, link_id)
    WHERE bucket >= (SELECT first FROM days)::timestamp AT TIME ZONE 'UTC' GROUP BY 1, 2
  ), compared AS (
    SELECT 'segments' AS what, NULL::uuid AS tenant_id, day, coalesce(ever.clicks, 0) AS raw, coalesce(noted.clicks, 0) AS other
    FROM (SELECT day, sum(clicks) AS clicks FROM ever GROUP BY 1) AS ever FULL JOIN noted USING (day)
    UNION ALL
    SELECT 'tenant_rollups', tenant_id, day, coalesce(ever.clicks, 0), coalesce(by_tenant.clicks, 0)
    FROM ever FULL JOIN by_tenant USING (tenant_id, day) JOIN living USING (tenant_id)
    UNION ALL
    SELECT 'click_days', tenant_id, day, coalesce(ever.clicks, 0), coalesce(by_day.clicks, 0)
    FROM ever FULL JOIN by_day USING (tenant_id, day) JOIN living USING (tenant_id)
    UNION ALL
    SELECT 'click_rollups', tenant_id, day, coalesce(raw.of_links, 0), coalesce(by_link.clicks, 0)
    FROM raw FULL JOIN by_link USING (tenant_id, day) JOIN living USING (tenant_id)
    LEFT JOIN erased USING (tenant_id, day) WHERE erased.day IS NULL
  )
  SELECT what, tenant_id AS "tenantId", day::text, raw, other FROM compared
  WHERE raw <> other ORDER BY day, what, tenant_id LIMIT ${SHOWN}`;

/** All of it as of one moment. @param asked segments that may be under way; @param days back from today */
export async function readLedger(client: pg.Client, asked: string[], days: number): Promise<LedgerFacts> {
  const since = new Date(Date.now() - days * DAY_MS);
  const first = firstIdOf(since);
  const rows = async <Row extends object>(sql: string, ...parameters: unknown[]): Promise<Row[]> =>
    (await client.query<Row>(sql, parameters)).rows;
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const facts = {
    spools: await rows<SpoolAccount>(SPOOLS, first),
    gaps: await rows<Gap>(GAPS, first),
    unbalanced: await rows<Unbalanced>(UNBALANCED, first),
    unfinished: await rows<LedgerFacts['unfinished'][number]>(UNFINISHED, first),
    settled: (await rows<{ id: string }>('SELECT id FROM click_segments WHERE id::text = ANY ($1)', asked)).map(
      ({ id }) => id,
    ),
    // The first day is not whole.
    differences: await rows<DayDifference>(DIFFERENCES, new Date(since.getTime() + DAY_MS).toISOString().slice(0, 10)),
    unreadable: (await rows(`SELECT 1 FROM dead_clicks WHERE kind = 'segment' AND redriven_at IS NULL LIMIT 1000`))
      .length,
  };
  await client.query('COMMIT');
  return facts;
}
