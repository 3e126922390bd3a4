const DIMENSIONS = [
  'continent', 'country', 'region', 'city', 'device', 'browser', 'os', 'referrer_host', 'language', 'utm_source',
  'utm_medium', 'utm_campaign', 'utm_term', 'utm_content', 'trigger', 'domain_id',
]; // prettier-ignore

const BUCKET = `date_bin('15 minutes', occurred_at, 'epoch')`;

const sums = (first: string): string =>
  `count(*) FILTER (WHERE NOT bot), count(*) FILTER (WHERE ${first}), count(*) FILTER (WHERE bot)`;

const adding = (table: string, key: string): string =>
  `ON CONFLICT (${key}) DO UPDATE SET clicks = ${table}.clicks + excluded.clicks,
     visitors = ${table}.visitors + excluded.visitors, bots = ${table}.bots + excluded.bots`;

/** Statements that add the clicks in `source`, a table like `clicks`, to every sum that analytics reads. */
export const derivingRollups = (source: string): string[] => [
  `INSERT INTO click_rollups (tenant_id, bucket, link_id, clicks, visitors, bots)
   SELECT tenant_id, ${BUCKET}, link_id, ${sums('first_of_link')} FROM ${source} GROUP BY 1, 2, 3
   ${adding('click_rollups', 'tenant_id, bucket, link_id')}`,
  `INSERT INTO tenant_rollups (tenant_id, bucket, clicks, visitors, bots)
   SELECT tenant_id, ${BUCKET}, ${sums('first_of_tenant')} FROM ${source} GROUP BY 1, 2
   ${adding('tenant_rollups', 'tenant_id, bucket')}`,
  ...DIMENSIONS.flatMap((dimension) => [
    `INSERT INTO breakdown_rollups (tenant_id, dimension, bucket, value, clicks, visitors, bots)
     SELECT tenant_id, '${dimension}', ${BUCKET}, coalesce(${dimension}::text, ''), ${sums('first_of_tenant')}
     FROM ${source} GROUP BY 1, 3, 4
     ${adding('breakdown_rollups', 'tenant_id, dimension, bucket, value')}`,
    `INSERT INTO click_days (tenant_id, dimension, day, value, clicks, visitors, bots)
     SELECT tenant_id, '${dimension}', (occurred_at AT TIME ZONE 'UTC')::date, coalesce(${dimension}::text, ''),
            ${sums('first_of_tenant')}
     FROM ${source} GROUP BY 1, 3, 4
     ${adding('click_days', 'tenant_id, dimension, day, value')}`,
  ]),
  `UPDATE link_stats AS stats
   SET clicks = stats.clicks + added.clicks, visitors = stats.visitors + added.visitors,
       bots = stats.bots + added.bots, last_clicked_at = greatest(last_clicked_at, last)
   FROM (SELECT tenant_id, link_id, max(occurred_at) FILTER (WHERE NOT bot) AS last,
                count(*) FILTER (WHERE NOT bot) AS clicks, count(*) FILTER (WHERE first_of_link) AS visitors,
                count(*) FILTER (WHERE bot) AS bots
         FROM ${source} GROUP BY 1, 2) AS added
   WHERE stats.tenant_id = added.tenant_id AND stats.link_id = added.link_id`,
];
