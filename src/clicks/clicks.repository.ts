import { Injectable } from '@nestjs/common';
import type { QueryRunner } from 'typeorm';
import { IngestDatabase } from '../platform/database/ingest-database.js';
import { NIL_UUID } from '../platform/ids.js';
import { type ClickRow, countsOf } from './click-row.js';

export interface Stored {
  /** Clicks that were new. */
  stored: number;
  /** Clicks of a link or a tenant that is no more. */
  orphaned: ClickRow[];
  /** Clicks older than their tenant keeps them, or of a month that has no partition. */
  outside: ClickRow[];
}

/** Writes as waypost_ingest: the clicks of all tenants of a batch, and nothing but analytics. */
@Injectable()
export class ClicksRepository {
  constructor(private readonly database: IngestDatabase) {}

  /** One transaction: all of it is counted, or nothing. */
  async store(rows: ClickRow[], now: number): Promise<Stored> {
    return this.database.transaction(async (tx) => {
      const held = await holdLinks(tx, rows);
      const known = rows.filter((row) => held.has(linkOf(row)));
      const months = await monthsKept(tx, known);
      const isOutside = (row: ClickRow): boolean =>
        !months.has(monthOf(row)) || isOlder(row, now, held.get(linkOf(row))?.days ?? null);
      const placed = known.filter((row) => !isOutside(row));
      return {
        stored: await insert(
          tx,
          placed.map((row) => (held.get(linkOf(row))?.details === 'counts' ? countsOf(row) : row)),
        ),
        orphaned: await notStored(
          tx,
          rows.filter((row) => !held.has(linkOf(row))),
        ),
        outside: known.filter(isOutside),
      };
    });
  }

  /**
   * The database's time, in ms since 1970: what is dropped or destroyed for its age is gone for good.
   *
   * @throws when this process has another: then nobody knows how old anything is
   */
  async agreedTime(): Promise<number> {
    const [row] = await this.database.query<{ time: number }>(TIME);
    const time = row?.time ?? 0;
    const apart = Math.abs(time - Date.now());
    if (apart <= APART_MS) return time;
    throw new Error(
      `The clocks of this process and of the database are ${Math.round(apart / 1000)} s apart: nothing is dropped for its age`,
    );
  }

  /** Makes the monthly partitions that are missing, from this month on. @returns how many were made */
  async makePartitions(monthsAhead: number): Promise<number> {
    const [row] = await this.database.query<{ made: number }>('SELECT make_click_partitions(now()::date, $1) AS made', [
      monthsAhead + 1,
    ]);
    return row?.made ?? 0;
  }

  /** @returns for how many months after this one there are partitions, without a gap; -1: not even for this one */
  async monthsAhead(): Promise<number> {
    const [row] = await this.database.query<{ ahead: number }>(MONTHS_AHEAD);
    return row?.ahead ?? -1;
  }
}

/** What keeps its clock at all is within a second. */
const APART_MS = 5 * 60_000;

const TIME = 'SELECT extract(epoch FROM clock_timestamp())::float8 * 1000 AS time';

const MONTHS_AHEAD = `
  SELECT coalesce(min(n), 25)::int - 1 AS ahead FROM generate_series(0, 24) AS n
  WHERE to_regclass('clicks_' || to_char(date_trunc('month', now() AT TIME ZONE 'UTC') + n * interval '1 month', 'YYYY_MM'))
        IS NULL`;

/** What the tenant of a link wants kept of its clicks, and for how many days if fewer than the platform's. */
interface HeldLink {
  details: 'full' | 'counts';
  days: number | null;
}

const DAY_MS = 24 * 3600 * 1000;

const linkOf = ({ tenant_id, link_id }: Pick<ClickRow, 'tenant_id' | 'link_id'>): string => `${tenant_id} ${link_id}`;
const monthOf = ({ occurred_at }: ClickRow): string => occurred_at.slice(0, 'yyyy-mm'.length).replace('-', '_');
const isOlder = ({ occurred_at }: ClickRow, now: number, days: number | null): boolean =>
  days !== null && Date.parse(occurred_at) < now - days * DAY_MS;

/**
 * Holds the links of a batch until its transaction ends, and says which are still there and what their tenants want
 * kept. Batches with a link in common take turns from here on: the next statement sees all that the one before stored.
 */
async function holdLinks(tx: QueryRunner, rows: ClickRow[]): Promise<Map<string, HeldLink>> {
  const links = new Map(rows.map((row) => [linkOf(row), row]));
  const held = (await tx.query(HOLD, [
    Array.from(links.values(), ({ tenant_id }) => tenant_id),
    Array.from(links.values(), ({ link_id }) => link_id),
  ])) as Array<HeldLink & Pick<ClickRow, 'tenant_id' | 'link_id'>>;
  return new Map(held.map((link) => [linkOf(link), link]));
}

async function monthsKept(tx: QueryRunner, rows: ClickRow[]): Promise<Set<string>> {
  const found = (await tx.query(
    `SELECT month FROM unnest($1::text[]) AS month WHERE to_regclass('clicks_' || month) IS NOT NULL`,
    [[...new Set(rows.map(monthOf))]],
  )) as Array<{ month: string }>;
  return new Set(found.map(({ month }) => month));
}

/** A link may be deleted between two deliveries of its clicks: what the first stored is not dropped by the second. */
async function notStored(tx: QueryRunner, rows: ClickRow[]): Promise<ClickRow[]> {
  if (rows.length === 0) return [];
  const found = (await tx.query(
    `SELECT id FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[]) AS given (tenant_id, occurred_at, id)
     JOIN clicks USING (tenant_id, occurred_at, id)`,
    [rows.map((one) => one.tenant_id), rows.map((one) => one.occurred_at), rows.map((one) => one.id)],
  )) as Array<{ id: string }>;
  const stored = new Set(found.map(({ id }) => id));
  return rows.filter(({ id }) => !stored.has(id));
}

async function insert(tx: QueryRunner, rows: ClickRow[]): Promise<number> {
  if (rows.length === 0) return 0;
  const times = rows.map((row) => row.occurred_at).toSorted();
  const [row] = (await tx.query(STORE, [JSON.stringify(rows), times[0], times.at(-1)])) as [{ stored: number }];
  return row.stored;
}

// In one order for all, so that no two batches wait for each other: what is joined is joined before it is sorted, for a
// join after that may take the rows in an order of its own. A subquery that locks is run for each link by itself, by the
// index of one partition, and not as a join with all links.
const HOLD = `
  SELECT wanted.*
  FROM (
    SELECT link.tenant_id, link.link_id, tenants.click_details AS details, tenants.click_retention_days AS days
    FROM unnest($1::uuid[], $2::uuid[]) AS link (tenant_id, link_id)
    JOIN tenants ON tenants.id = link.tenant_id AND tenants.deleted_at IS NULL
    ORDER BY 1, 2
  ) AS wanted
  CROSS JOIN LATERAL (
    SELECT FROM link_stats AS stats
    WHERE stats.tenant_id = wanted.tenant_id AND stats.link_id = wanted.link_id
    FOR NO KEY UPDATE
  ) AS held`;

const TEXTS = [
  'referrer', 'user_agent', 'continent', 'country', 'region', 'city', 'device', 'browser', 'os', 'referrer_host',
  'language', 'utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content',
]; // prettier-ignore

const DIMENSIONS = [...TEXTS.filter((column) => !/^(referrer|user_agent)$/.test(column)), 'trigger', 'domain_id'];

const SUMS = `
  count(*) FILTER (WHERE NOT bot) AS clicks, count(*) FILTER (WHERE FIRST) AS visitors, count(*) FILTER (WHERE bot) AS bots`;
const sums = (first: string): string => SUMS.replace('FIRST', first);

const ADD = (rollup: string): string => `
  SET clicks = ${rollup}.clicks + excluded.clicks, visitors = ${rollup}.visitors + excluded.visitors,
      bots = ${rollup}.bots + excluded.bots`;

// $1 clicks, of links that the transaction holds; $2 and $3 their first and last time, which name the months to look
// into. A click that is there already is left out before visitors are looked at; whoever was not seen on that day is
// seen with the first of these (looked up as lists: the planner, who expects few rows of a CTE, would join them row by
// row). Everything else grows by what was really inserted. Rows are written in one order for
// all, table after table, so that no two batches wait for each other; those of the ledger last, for all batches of a
// segment share them.
const STORE = `
  WITH given AS MATERIALIZED (
    SELECT *, (occurred_at AT TIME ZONE 'UTC')::date AS day
    FROM json_to_recordset($1::json) AS click (
      tenant_id uuid, id uuid, segment uuid, link_id uuid, domain_id uuid, occurred_at timestamptz, bot boolean, trigger text,
      visitor bytea, ${TEXTS.map((column) => `${column} text`).join(', ')})
  ), fresh AS MATERIALIZED (
    SELECT given.* FROM given
    LEFT JOIN LATERAL (
      SELECT true AS there FROM clicks
      WHERE clicks.tenant_id = given.tenant_id AND clicks.occurred_at = given.occurred_at AND clicks.id = given.id
        AND clicks.occurred_at BETWEEN $2 AND $3
      LIMIT 1
    ) AS known ON true
    WHERE known.there IS NULL
  ), seen AS (
    INSERT INTO visitor_days (tenant_id, day, link_id, visitor)
    SELECT tenant_id, day, link_id, visitor FROM fresh WHERE visitor IS NOT NULL
    UNION
    SELECT tenant_id, day, '${NIL_UUID}', visitor FROM fresh WHERE visitor IS NOT NULL
    ORDER BY 1, 2, 3, 4
    ON CONFLICT DO NOTHING
    RETURNING tenant_id, day, link_id, visitor
  ), flagged AS (
    SELECT *,
           visitor IS NOT NULL AND row_number() OVER (
             PARTITION BY tenant_id, day, visitor, link_id ORDER BY occurred_at, id
           ) = 1 AND (tenant_id, day, link_id, visitor) IN (
             SELECT tenant_id, day, link_id, visitor FROM seen) AS first_of_link,
           visitor IS NOT NULL AND row_number() OVER (
             PARTITION BY tenant_id, day, visitor ORDER BY occurred_at, id
           ) = 1 AND (tenant_id, day, '${NIL_UUID}'::uuid, visitor) IN (
             SELECT tenant_id, day, link_id, visitor FROM seen) AS first_of_tenant
    FROM fresh
  ), stored AS (
    INSERT INTO clicks (tenant_id, id, link_id, domain_id, occurred_at, bot, trigger, first_of_link, first_of_tenant,
                        ${TEXTS.join(', ')})
    SELECT tenant_id, id, link_id, domain_id, occurred_at, bot, coalesce(trigger, 'link'), first_of_link, first_of_tenant,
           ${TEXTS.join(', ')}
    FROM flagged
    ON CONFLICT DO NOTHING
    RETURNING *, date_bin('15 minutes', occurred_at, 'epoch') AS bucket
  ), ledger AS (
    INSERT INTO click_segment_days AS days (segment_id, day, stored)
    SELECT * FROM (
      SELECT segment, day, count(*) FILTER (WHERE id IN (SELECT id FROM stored)) AS stored FROM fresh GROUP BY 1, 2
    ) AS noted WHERE stored > 0 ORDER BY 1, 2
    ON CONFLICT (segment_id, day) DO UPDATE SET stored = days.stored + excluded.stored
  ), by_link AS (
    INSERT INTO click_rollups AS rollup (tenant_id, bucket, link_id, clicks, visitors, bots)
    SELECT tenant_id, bucket, link_id, ${sums('first_of_link')}
    FROM stored GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (tenant_id, bucket, link_id) DO UPDATE ${ADD('rollup')}
  ), by_tenant AS (
    INSERT INTO tenant_rollups AS rollup (tenant_id, bucket, clicks, visitors, bots)
    SELECT tenant_id, bucket, ${sums('first_of_tenant')}
    FROM stored GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (tenant_id, bucket) DO UPDATE ${ADD('rollup')}
  ), parts AS MATERIALIZED (
    SELECT tenant_id, dimension, bucket, value, ${sums('first_of_tenant')}
    FROM stored
    CROSS JOIN LATERAL (
      VALUES ${DIMENSIONS.map((column) => `('${column}', coalesce(${column}::text, ''))`).join(', ')}
    ) AS part (dimension, value)
    GROUP BY 1, 2, 3, 4
  ), by_part AS (
    INSERT INTO breakdown_rollups AS rollup (tenant_id, dimension, bucket, value, clicks, visitors, bots)
    SELECT tenant_id, dimension, bucket, value, clicks, visitors, bots FROM parts ORDER BY 1, 2, 3, 4
    ON CONFLICT (tenant_id, dimension, bucket, value) DO UPDATE ${ADD('rollup')}
  ), by_day AS (
    INSERT INTO click_days AS rollup (tenant_id, dimension, day, value, clicks, visitors, bots)
    SELECT tenant_id, dimension, (bucket AT TIME ZONE 'UTC')::date, value, sum(clicks), sum(visitors), sum(bots)
    FROM parts GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
    ON CONFLICT (tenant_id, dimension, day, value) DO UPDATE ${ADD('rollup')}
  ), counted AS (
    UPDATE link_stats AS stats
    SET clicks = stats.clicks + added.clicks, visitors = stats.visitors + added.visitors, bots = stats.bots + added.bots,
        last_clicked_at = greatest(stats.last_clicked_at, added.last)
    FROM (
      SELECT tenant_id, link_id, max(occurred_at) FILTER (WHERE NOT bot) AS last, ${sums('first_of_link')}
      FROM stored GROUP BY 1, 2
    ) AS added
    WHERE stats.tenant_id = added.tenant_id AND stats.link_id = added.link_id
  )
  SELECT count(*)::int AS stored FROM stored`;
