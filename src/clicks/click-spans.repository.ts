import { Injectable } from '@nestjs/common';
import type { QueryRunner } from 'typeorm';
import { IngestDatabase } from '../platform/database/ingest-database.js';
import { CELL_COLUMNS, type SpanKind, TIERS } from './click-spans.reader.js';
import { LEAST_OF_PARTS, type SpanLevel } from './span-levels.js';

/** Spans of one tenant and length that are missing or out of date, by their first moments. */
export interface DueSpans {
  tenantId: string;
  firsts: Date[];
}

/** Which tenants' spans to look at, and from when to when. */
export interface Lookout {
  /** Undefined: all. */
  tenants: string[] | undefined;
  since: Date;
  until: Date;
}

/** Spans are made as waypost_ingest, of one tenant at a time; readers see all of one or nothing. */
@Injectable()
export class ClickSpansRepository {
  constructor(private readonly database: IngestDatabase) {}

  /** In the order of their ids. */
  async tenantsAfter(id: string, limit: number): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(
      'SELECT id FROM tenants WHERE id > $1 AND deleted_at IS NULL ORDER BY id LIMIT $2',
      [id, limit],
    );
    return rows.map((row) => row.id);
  }

  async due(level: SpanLevel, { tenants, since, until }: Lookout): Promise<DueSpans[]> {
    const times = [level.hours, since, until];
    if (!(await this.database.isDistributed()))
      return this.database.query(dueOf(level, 'tenants.id'), [...times, tenants ?? null]);
    // Citus joins by subquery what is of one tenant, and has it all on one node.
    const found: DueSpans[] = [];
    for (const tenant of tenants ?? (await this.tenantsSeenFrom(since)))
      found.push(...(await this.database.query<DueSpans>(dueOf(level, '$5::uuid'), [...times, [tenant], tenant])));
    return found;
  }

  private async tenantsSeenFrom(time: Date): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(
      `SELECT DISTINCT tenant_id AS id FROM click_days WHERE dimension = 'trigger' AND day >= $1 ORDER BY 1`,
      [time.toISOString().slice(0, 10)],
    );
    return rows.map(({ id }) => id);
  }

  /** Makes spans anew. @returns how many there are of them: of clicks that are no longer kept none can be made */
  async make(level: SpanLevel, { tenantId, firsts }: DueSpans): Promise<number> {
    return this.database.transaction(async (tx) => {
      await tx.query(`SET LOCAL jit = off`);
      await tx.query(LOCK_SPANS, [tenantId]);
      await drop(tx, level.kind, [tenantId, level.hours, firsts]);
      const [row] = (await tx.query(makingOf(level), [tenantId, level.hours, firsts])) as [{ made: number }];
      return row.made;
    });
  }

  /** Drops what served only while its day lasted. */
  async dropBefore({ kind, hours }: SpanLevel, tenantId: string, time: Date): Promise<void> {
    await this.database.transaction(async (tx) => {
      await tx.query(LOCK_SPANS, [tenantId]);
      const found = (await tx.query(
        `SELECT first FROM click_spans WHERE tenant_id = $1 AND kind = $2 AND hours = $3 AND first < $4`,
        [tenantId, kind, hours, time],
      )) as Array<{ first: Date }>;
      if (found.length > 0) await drop(tx, kind, [tenantId, hours, found.map(({ first }) => first)]);
    });
  }
}

/**
 * Whoever makes spans of a tenant, or takes out of them what is erased, waits for the other: else what is being erased
 * could be summed once more.
 */
export const LOCK_SPANS = `SELECT pg_advisory_xact_lock(hashtext('click_spans'), hashtext($1::text))`;

const TABLES = { links: 'link_spans', visits: 'visit_spans' } as const;

async function drop(tx: QueryRunner, kind: SpanKind, values: [tenantId: string, hours: number, firsts: Date[]]) {
  const which = `tenant_id = $1 AND hours = $2 AND first = ANY ($3::timestamptz[])`;
  await tx.query(`DELETE FROM ${TABLES[kind]} WHERE ${which}`, values);
  await tx.query(`DELETE FROM click_spans WHERE kind = '${kind}' AND ${which}`, values);
}

const DAY_HOURS = 24;
const HOURS = `make_interval(hours => $1)`;

// Those whose own parts are all there and up to date: then their sum is what has been counted.
const fromParts = ({ kind, of }: SpanLevel, tenant: string): string => `
  JOIN LATERAL (
    SELECT sum(part.counted) AS counted FROM click_spans AS part
    WHERE part.tenant_id = ${tenant} AND part.kind = '${kind}' AND part.hours = ${of}
      AND part.first >= total.first AND part.first < total.first + ${HOURS}
  ) AS parts ON parts.counted = total.counted`;

/** Whether the clicks of a day are all there: none has expired, and their month is there. */
const keptDay = (tenant: string, first: string): string => `
  ${first} >= now() - make_interval(days => coalesce((SELECT plan.click_retention_days FROM tenants AS plan WHERE plan.id = ${tenant}), 36500))
  AND to_regclass('clicks_' || to_char(${first} AT TIME ZONE 'UTC', 'YYYY_MM')) IS NOT NULL
  AND NOT EXISTS (
    SELECT FROM erased_clicks AS erased
    WHERE erased.tenant_id = ${tenant} AND erased.day = (${first} AT TIME ZONE 'UTC')::date AND expired > 0)`;

// What has been counted grows with each click, and nothing else changes it. Of a span of a day or more it is told by the
// days of a dimension that each click has.
const countedDays = (tenant: string, hours: string, days: string): string => `
  SELECT date_bin(${hours}, day::timestamp AT TIME ZONE 'UTC', 'epoch') AS first, sum(clicks + bots) AS counted
  FROM click_days
  WHERE tenant_id = ${tenant} AND dimension = 'trigger'
    AND day >= ($2::timestamptz AT TIME ZONE 'UTC')::date AND day ${days} ($3::timestamptz AT TIME ZONE 'UTC')::date
  GROUP BY 1`;

// Parts of days are looked at where the span of the day is not up to date: else they are.
const countedParts = (kind: SpanKind, tenant: string): string => `
  SELECT date_bin(${HOURS}, bucket, 'epoch') AS first, sum(clicks + bots) AS counted
  FROM (
    SELECT total.first FROM (${countedDays(tenant, `interval '24 hours'`, '<=')}) AS total
    LEFT JOIN click_spans AS span
      ON span.tenant_id = ${tenant} AND span.kind = '${kind}' AND span.hours = 24 AND span.first = total.first
    WHERE span.counted IS DISTINCT FROM total.counted
      ${kind === 'visits' ? `AND ${keptDay(tenant, 'total.first')}` : ''}
  ) AS day
  JOIN tenant_rollups AS part
    ON part.tenant_id = ${tenant} AND bucket >= day.first AND bucket < day.first + interval '24 hours'
  WHERE bucket >= $2 AND bucket < $3 GROUP BY 1`;

/** $1 hours, $2 and $3 from when to when, $4 tenants or null. @param tenant how the tenant of a row is named */
function dueOf(level: SpanLevel, tenant: string): string {
  const { kind, hours, of } = level;
  return `
  SELECT tenants.id AS "tenantId", array_agg(total.first ORDER BY total.first) AS firsts
  FROM tenants
  CROSS JOIN LATERAL (${hours < DAY_HOURS ? countedParts(kind, tenant) : countedDays(tenant, HOURS, '<')}) AS total
  ${of === undefined ? '' : fromParts(level, tenant)}
  LEFT JOIN click_spans AS span
    ON span.tenant_id = ${tenant} AND span.kind = '${kind}' AND span.hours = $1 AND span.first = total.first
  WHERE deleted_at IS NULL AND ($4::uuid[] IS NULL OR tenants.id = ANY ($4))
    AND total.counted >= ${hours < DAY_HOURS ? LEAST_OF_PARTS : 1} AND span.counted IS DISTINCT FROM total.counted
    ${kind === 'visits' && hours === DAY_HOURS ? `AND ${keptDay(tenant, 'total.first')}` : ''}
  GROUP BY 1 ORDER BY 1`;
}

const SUMS = `sum(clicks) AS clicks, sum(visitors) AS visitors, sum(bots) AS bots`;

const WANTED = (condition = 'true'): string => `
  WITH wanted AS MATERIALIZED (
    SELECT first, first + make_interval(hours => $2) AS until FROM unnest($3::timestamptz[]) AS first WHERE ${condition})`;

const within = (column: string): string => `tenant_id = $1 AND ${column} >= wanted.first AND ${column} < wanted.until`;

const TOTALS = `
  SELECT wanted.first, total.counted FROM wanted
  CROSS JOIN LATERAL (SELECT sum(clicks + bots) AS counted FROM tenant_rollups WHERE ${within('bucket')}) AS total`;

const partTotals = ({ kind, of }: SpanLevel): string => `
  SELECT wanted.first, total.counted FROM wanted
  CROSS JOIN LATERAL (
    SELECT sum(counted) AS counted FROM click_spans WHERE kind = '${kind}' AND hours = ${of} AND ${within('first')}) AS total`;

/** One statement, so that rows and `counted` are those of one moment. $1 tenant, $2 hours, $3 first moments. */
function makingOf(level: SpanLevel): string {
  return level.kind === 'links' ? makingLinks(level) : makingVisits(level);
}

// What is made was dropped before, so that nothing is in conflict. But row-level security keeps Citus from inserting rows that
// could not be: it would copy them.
function makingLinks(level: SpanLevel): string {
  const { of } = level;
  const source =
    of === undefined
      ? `SELECT link_id, ${SUMS} FROM click_rollups WHERE ${within('bucket')} GROUP BY 1`
      : `SELECT link_id, ${SUMS} FROM link_spans WHERE hours = ${of} AND ${within('first')} GROUP BY 1`;
  return `${WANTED()}, ranked AS MATERIALIZED (
    SELECT wanted.first, part.*,
           row_number() OVER (PARTITION BY wanted.first ORDER BY clicks DESC) AS by_clicks,
           row_number() OVER (PARTITION BY wanted.first ORDER BY clicks + bots DESC) AS by_all,
           row_number() OVER (PARTITION BY wanted.first ORDER BY visitors DESC) AS by_visitors
    FROM wanted CROSS JOIN LATERAL (${source}) AS part
  ), rows AS (
    INSERT INTO link_spans (tenant_id, hours, first, link_id, clicks, visitors, bots, tier)
    SELECT $1, $2, first, link_id, clicks, visitors, bots,
           CASE ${TIERS.map((most, tier) => `WHEN least(by_clicks, by_all, by_visitors) <= ${most} THEN ${tier}`).join(' ')} END
    FROM ranked ORDER BY first, link_id
    ON CONFLICT DO NOTHING
  ), bounds AS (
    SELECT first, ${bounds('clicks', 'by_clicks')} AS click_bounds, ${bounds('clicks + bots', 'by_all')} AS all_bounds,
           ${bounds('visitors', 'by_visitors')} AS visitor_bounds
    FROM ranked GROUP BY 1
  ), made AS (
    INSERT INTO click_spans (tenant_id, kind, first, hours, counted, click_bounds, all_bounds, visitor_bounds)
    SELECT $1, 'links', first, $2, counted, coalesce(click_bounds, '{0,0,0}'), coalesce(all_bounds, '{0,0,0}'),
           coalesce(visitor_bounds, '{0,0,0}')
    FROM (${of === undefined ? TOTALS : partTotals(level)}) AS total LEFT JOIN bounds USING (first)
    WHERE counted > 0 ON CONFLICT DO NOTHING RETURNING 1
  )
  SELECT count(*)::int AS made FROM made`;
}

/** What the last link of each tier has: no link beyond it has more. Zero where all links are in the tier. */
const bounds = (measure: string, rank: string): string =>
  `ARRAY[${TIERS.map((most) => `coalesce(max(${measure}) FILTER (WHERE ${rank} = ${most}), 0)`).join(', ')}]`;

function makingVisits(level: SpanLevel): string {
  const { of } = level;
  const cell = CELL_COLUMNS.join(', ');
  const numbers = CELL_COLUMNS.map((_, n) => n + 1).join(', ');
  const source =
    of === undefined
      ? `SELECT ${CELL}, ${CELL_SUMS} FROM clicks WHERE ${within('occurred_at')} GROUP BY ${numbers}`
      : `SELECT ${cell}, ${SUMS} FROM visit_spans WHERE hours = ${of} AND ${within('first')} GROUP BY ${numbers}`;
  return `${WANTED(of === undefined ? keptDay('$1', 'first') : 'true')}, rows AS (
    INSERT INTO visit_spans (tenant_id, hours, first, ${cell}, clicks, visitors, bots)
    SELECT $1, $2, wanted.first, ${cell}, clicks, visitors, bots
    FROM wanted CROSS JOIN LATERAL (${source}) AS part ORDER BY wanted.first, ${cell}
    ON CONFLICT DO NOTHING
  ), made AS (
    INSERT INTO click_spans (tenant_id, kind, first, hours, counted)
    SELECT $1, 'visits', first, $2, counted FROM (${of === undefined ? TOTALS : partTotals(level)}) AS total
    WHERE counted > 0 ON CONFLICT DO NOTHING RETURNING 1
  )
  SELECT count(*)::int AS made FROM made`;
}

/** Columns of clicks as those of visit_spans, where nothing known is ''. */
export const CELL = CELL_COLUMNS.map((column) => `coalesce(${column}, '') AS ${column}`).join(', ');

export const CELL_SUMS = `
  count(*) FILTER (WHERE NOT bot) AS clicks, count(*) FILTER (WHERE first_of_tenant) AS visitors,
  count(*) FILTER (WHERE bot) AS bots`;
