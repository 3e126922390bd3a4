import { joinByKey } from '../platform/join-by-key.js';
import { NIL_UUID } from '../platform/ids.js';

/**
 * Holds the links of a batch until its transaction ends: $1 their tenants, $2 themselves. Batches with a link in common
 * take turns from here on: the next statement sees all that the one before stored.
 */
// In one order for all, so that no two batches wait for each other: what is joined is joined before it is sorted, for a
// join after that may take the rows in an order of its own. A subquery that locks is run for each link by itself, by the
// index of one partition, and not as a join with all links.
export const HOLD = `
  SELECT count(*)
  FROM (
    SELECT link.tenant_id, link.link_id
    FROM unnest($1::uuid[], $2::uuid[]) AS link (tenant_id, link_id)
    JOIN tenants ON tenants.id = link.tenant_id AND tenants.deleted_at IS NULL
    ORDER BY 1, 2
  ) AS wanted
  CROSS JOIN LATERAL (
    SELECT FROM link_stats AS stats
    WHERE stats.tenant_id = wanted.tenant_id AND stats.link_id = wanted.link_id
    FOR NO KEY UPDATE
  ) AS held`;

/** The same on Citus, which locks rows of one shard at a time: links of tenants whose shard is the same. */
export const HOLD_IN_SHARD = `
  SELECT count(*)
  FROM (
    SELECT FROM unnest($1::uuid[], $2::uuid[]) AS link (tenant_id, link_id)
    JOIN tenants ON tenants.id = link.tenant_id AND tenants.deleted_at IS NULL
    JOIN link_stats AS stats ON stats.tenant_id = link.tenant_id AND stats.link_id = link.link_id
    WHERE stats.tenant_id = ANY ($1)
    ORDER BY stats.tenant_id, stats.link_id
    FOR NO KEY UPDATE OF stats
  ) AS held`;

const TEXTS = [
  'referrer', 'user_agent', 'continent', 'country', 'region', 'city', 'device', 'browser', 'os', 'referrer_host',
  'language', 'utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content',
]; // prettier-ignore

const DIMENSIONS = [...TEXTS.filter((column) => !/^(referrer|user_agent)$/.test(column)), 'trigger', 'domain_id'];

/** What a tenant who wants nothing but counts does without. */
const DETAILS = ['trigger', 'visitor', ...TEXTS];

const SUMS = `
  count(*) FILTER (WHERE NOT bot) AS clicks, count(*) FILTER (WHERE FIRST) AS visitors, count(*) FILTER (WHERE bot) AS bots`;
const sums = (first: string): string => SUMS.replace('FIRST', first);

const ADD = (rollup: string): string => `
  SET clicks = ${rollup}.clicks + excluded.clicks, visitors = ${rollup}.visitors + excluded.visitors,
      bots = ${rollup}.bots + excluded.bots`;

/** Of the dimension that a group is of, and of no other. */
const ofItsOwn = (value: (dimension: string) => string): string =>
  `CASE 0 ${DIMENSIONS.map((dimension) => `WHEN grouping(${dimension}) THEN ${value(dimension)}`).join(' ')} END`;

const GIVEN = `
  given AS MATERIALIZED (
    SELECT *, (occurred_at AT TIME ZONE 'UTC')::date AS day
    FROM json_to_recordset($1::json) AS click (
      tenant_id uuid, id uuid, segment uuid, link_id uuid, domain_id uuid, occurred_at timestamptz, bot boolean, trigger text,
      visitor bytea, ${TEXTS.map((column) => `${column} text`).join(', ')})
  ), months AS MATERIALIZED (
    SELECT month FROM (SELECT DISTINCT date_trunc('month', day) AS month FROM given) AS month
    WHERE to_regclass('clicks_' || to_char(month, 'YYYY_MM')) IS NOT NULL
  )`;

const lookedUp = (distributed: boolean): string => `
  held AS MATERIALIZED (
    SELECT link.* FROM (SELECT DISTINCT tenant_id, link_id FROM given) AS link
    ${joinByKey(distributed, 'link_stats', 'there.tenant_id = link.tenant_id AND there.link_id = link.link_id')}
  ), tenant AS MATERIALIZED (
    SELECT who.tenant_id, click_details, click_retention_days AS days
    FROM (SELECT DISTINCT tenant_id FROM given) AS who
    ${joinByKey(
      distributed,
      'tenants',
      'there.id = who.tenant_id AND there.deleted_at IS NULL',
      'click_details, click_retention_days',
    )}
  ), known AS MATERIALIZED (
    SELECT click.tenant_id, click.id FROM given AS click
    ${joinByKey(
      distributed,
      'clicks',
      `there.tenant_id = click.tenant_id AND there.occurred_at = click.occurred_at AND there.id = click.id
        AND there.occurred_at BETWEEN $2 AND $3`,
    )}
  )`;

const FRESH = `
  unknown AS MATERIALIZED (
    SELECT given.*, tenant.click_details = 'counts' AS counts_only,
           tenant.click_details IS NOT NULL AND (given.tenant_id, link_id) IN (SELECT tenant_id, link_id FROM held) AS held,
           date_trunc('month', day) IN (SELECT month FROM months)
             AND (days IS NULL OR occurred_at >= $4::timestamptz - days * interval '24 hours') AS kept
    FROM given LEFT JOIN tenant USING (tenant_id)
    WHERE (given.tenant_id, id) NOT IN (SELECT tenant_id, id FROM known)
  ), fresh AS NOT MATERIALIZED (
    SELECT tenant_id, id, segment, link_id, domain_id, occurred_at, day, bot,
           ${DETAILS.map((column) => `CASE WHEN NOT counts_only THEN ${column} END AS ${column}`).join(', ')}
    FROM unknown WHERE held AND kept
  ), new_to_tenant AS (
    INSERT INTO visitor_days (tenant_id, day, link_id, visitor, first_link)
    SELECT DISTINCT ON (tenant_id, day, visitor) tenant_id, day, '${NIL_UUID}'::uuid, visitor, uuid_hash(link_id)
    FROM fresh WHERE visitor IS NOT NULL
    ORDER BY tenant_id, day, visitor, occurred_at, id
    ON CONFLICT DO NOTHING
    RETURNING tenant_id, day, visitor, first_link
  ), visits AS MATERIALIZED (
    SELECT DISTINCT tenant_id, day, link_id, visitor FROM fresh
    WHERE visitor IS NOT NULL AND (tenant_id, day, visitor, uuid_hash(link_id)) NOT IN (
      SELECT tenant_id, day, visitor, first_link FROM new_to_tenant)
  )`;

const notedBefore = (distributed: boolean): string => `
  noted_before AS MATERIALIZED (
    SELECT visit.* FROM visits AS visit
    ${joinByKey(
      distributed,
      'visitor_days',
      `there.tenant_id = visit.tenant_id AND there.day = visit.day AND there.link_id = '${NIL_UUID}'
        AND there.visitor = visit.visitor AND there.first_link = uuid_hash(visit.link_id)`,
    )}
  )`;

const STORED = `
  new_to_link AS (
    INSERT INTO visitor_days (tenant_id, day, link_id, visitor)
    SELECT * FROM (SELECT * FROM visits EXCEPT SELECT * FROM noted_before) AS visit
    ORDER BY 1, 2, 3, 4
    ON CONFLICT DO NOTHING
    RETURNING tenant_id, day, link_id, visitor
  ), flagged AS (
    SELECT *,
           visitor IS NOT NULL AND row_number() OVER (
             PARTITION BY tenant_id, day, visitor, link_id ORDER BY occurred_at, id
           ) = 1 AND (
             (tenant_id, day, visitor, uuid_hash(link_id)) IN (
               SELECT tenant_id, day, visitor, first_link FROM new_to_tenant)
             OR (tenant_id, day, link_id, visitor) IN (SELECT tenant_id, day, link_id, visitor FROM new_to_link)
           ) AS first_of_link,
           visitor IS NOT NULL AND row_number() OVER (
             PARTITION BY tenant_id, day, visitor ORDER BY occurred_at, id
           ) = 1 AND (tenant_id, day, visitor) IN (SELECT tenant_id, day, visitor FROM new_to_tenant) AS first_of_tenant
    FROM fresh
  ), stored AS (
    INSERT INTO clicks (tenant_id, id, link_id, domain_id, occurred_at, bot, trigger, first_of_link, first_of_tenant,
                        ${TEXTS.join(', ')})
    SELECT tenant_id, id, link_id, domain_id, occurred_at, bot, coalesce(trigger, 'link'), first_of_link, first_of_tenant,
           ${TEXTS.join(', ')}
    FROM flagged
    ON CONFLICT DO NOTHING
    RETURNING tenant_id, id, link_id, occurred_at, date_bin('15 minutes', occurred_at, 'epoch') AS bucket, bot, first_of_link,
              first_of_tenant, ${DIMENSIONS.join(', ')}
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
    SELECT tenant_id, ${ofItsOwn((dimension) => `'${dimension}'`)} AS dimension, bucket,
           coalesce(${ofItsOwn((dimension) => `${dimension}::text`)}, '') AS value, ${sums('first_of_tenant')}
    FROM stored
    GROUP BY tenant_id, bucket, GROUPING SETS (${DIMENSIONS.map((dimension) => `(${dimension})`).join(', ')})
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
  SELECT (SELECT count(*)::int FROM stored) AS stored,
         (SELECT coalesce(json_agg(id), '[]') FROM unknown WHERE NOT held) AS orphaned,
         (SELECT coalesce(json_agg(id), '[]') FROM unknown WHERE held AND NOT kept) AS outside`;

/**
 * Stores clicks of links that the transaction holds: $1 the clicks, $2 and $3 their first and last time, which name the
 * months to look into, $4 the present. Says how many were stored, and the ids of those that were not and are not there
 * already: `orphaned` of a link or tenant that is no more, `outside` older than their tenant keeps them or of a month that
 * has no partition.
 */
// A click that is there already is left out before visitors are looked at; whoever was not seen on that day is seen with
// the first of these (looked up as lists: the planner, who expects few rows of a CTE, would join them row by row).
// Everything else grows by what was really inserted. A grouping set makes the sums of a dimension from one column; to have
// a row for each dimension of a click costs four times as much.
//
// Most visitors of a day see one link: it is noted with them, by a number that tells it from their others, and only those
// have rows of their own. Of who sees two links at once, in two batches, one is noted and the other has a row, whichever
// batch is first: the one that waits for the other does not see what that has noted, but they share no link.
//
// Rows are written in one order for all, table after table, so that no two batches wait for each other; those of the
// ledger last, for all batches of a segment share them.
const store = (distributed: boolean): string =>
  `WITH ${[GIVEN, lookedUp(distributed), FRESH, notedBefore(distributed), STORED].join(', ')}`;

export const STORE = store(false);
/** The same on Citus. */
export const STORE_IN_SHARDS = store(true);
