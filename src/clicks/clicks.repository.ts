import { Injectable } from '@nestjs/common';
import { IngestDatabase } from '../platform/database/ingest-database.js';
import type { Click } from './click.js';

export interface Stored {
  /** Clicks that were new. */
  stored: number;
  /** Clicks of a month that has no partition: older than what is kept, or from a clock far ahead. */
  outside: number;
}

// One statement, thus one transaction: the rollup and the counters grow by what was really inserted, so that a batch
// delivered twice counts once. Counters of a deleted link are not made anew.
const STORE = `
  WITH given AS MATERIALIZED (
    SELECT *
    FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::timestamptz[], $6::text[], $7::text[])
      AS click (tenant_id, id, link_id, domain_id, occurred_at, referrer, user_agent)
  ), kept AS MATERIALIZED (
    SELECT * FROM given
    WHERE to_regclass('clicks_' || to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY_MM')) IS NOT NULL
  ), stored AS (
    INSERT INTO clicks (tenant_id, id, link_id, domain_id, occurred_at, referrer, user_agent)
    SELECT tenant_id, id, link_id, domain_id, occurred_at, referrer, user_agent FROM kept
    ON CONFLICT DO NOTHING
    RETURNING tenant_id, link_id, occurred_at
  ), rolled AS (
    INSERT INTO click_rollups AS rollup (tenant_id, bucket, link_id, clicks)
    SELECT tenant_id, date_bin('15 minutes', occurred_at, 'epoch'), link_id, count(*)
    FROM stored GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (tenant_id, bucket, link_id) DO UPDATE SET clicks = rollup.clicks + excluded.clicks
  ), ledger AS (
    INSERT INTO click_segment_days AS days (segment_id, day, stored)
    SELECT $8::uuid, (occurred_at AT TIME ZONE 'UTC')::date, count(*) FROM stored GROUP BY 2
    ON CONFLICT (segment_id, day) DO UPDATE SET stored = days.stored + excluded.stored
  ), counted AS (
    UPDATE link_stats AS stats
    SET clicks = stats.clicks + added.clicks, last_clicked_at = greatest(stats.last_clicked_at, added.last)
    FROM (SELECT tenant_id, link_id, count(*) AS clicks, max(occurred_at) AS last FROM stored GROUP BY 1, 2) AS added
    WHERE stats.tenant_id = added.tenant_id AND stats.link_id = added.link_id
  )
  SELECT (SELECT count(*) FROM stored)::int AS stored,
         ((SELECT count(*) FROM given) - (SELECT count(*) FROM kept))::int AS outside`;

/** Writes as waypost_ingest: the clicks of all tenants of a batch, and nothing but analytics. */
@Injectable()
export class ClicksRepository {
  constructor(private readonly database: IngestDatabase) {}

  async store(clicks: Click[], segment: string): Promise<Stored> {
    const [row] = await this.database.query<Stored>(STORE, [
      clicks.map((click) => click.tenantId),
      clicks.map((click) => click.id),
      clicks.map((click) => click.linkId),
      clicks.map((click) => click.domainId),
      clicks.map((click) => new Date(click.occurredAt).toISOString()),
      clicks.map((click) => click.referrer ?? null),
      clicks.map((click) => click.userAgent ?? null),
      segment,
    ]);
    return row as Stored;
  }

  /** Makes the monthly partitions that are missing, from this month on. @returns how many were made */
  async makePartitions(monthsAhead: number): Promise<number> {
    const [row] = await this.database.query<{ made: number }>('SELECT make_click_partitions(now()::date, $1) AS made', [
      monthsAhead + 1,
    ]);
    return row?.made ?? 0;
  }
}
