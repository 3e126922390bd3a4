import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTenantIndex } from './support/tenant-table.js';

/** Old sums by quarter-hour become sums by hour. */
export class CompactRollups1795476700000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // What is left to do: whatever is counted in a quarter-hour is counted here, too, and all its tables are done at once.
    await createTenantIndex(db, 'tenant_rollups', 'within_hours', {
      columns: 'bucket, tenant_id',
      where: `bucket <> ${hourOf('bucket')}`,
    });
    await db.query(`
      CREATE FUNCTION compact_rollups(tenant uuid, hours timestamptz[]) RETURNS int
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      DECLARE
        hour timestamptz;
        moved int := 0;
        step int;
      BEGIN
        -- Row-level security is the owner's, too.
        EXECUTE format('SET LOCAL app.tenant_id = %L', tenant);
        FOREACH hour IN ARRAY hours LOOP
          IF hour > now() - interval '396 days' OR hour <> ${hourOf('hour')} THEN
            RAISE EXCEPTION 'full hours of thirteen months ago and before are compacted, not %', hour;
          END IF;
          ${Object.entries(KEYS)
            .map(([table, key]) => compact(table, key))
            .join('')}
        END LOOP;
        RETURN moved;
      END $$`);
    await db.query(`REVOKE EXECUTE ON FUNCTION compact_rollups(uuid, timestamptz[]) FROM PUBLIC`);
    await db.query(`GRANT EXECUTE ON FUNCTION compact_rollups(uuid, timestamptz[]) TO waypost_ingest`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP FUNCTION compact_rollups(uuid, timestamptz[])`);
    await db.query(`DROP INDEX tenant_rollups_within_hours`);
  }
}

// Immutable, as an index needs it; date_trunc depends on the session's time zone.
const hourOf = (time: string): string => `date_bin('1 hour', ${time}, timestamptz '2000-01-01 00:00+00')`;

// In the order in which ingest writes them. Of each key what comes after tenant and bucket.
const KEYS = { click_rollups: ['link_id'], tenant_rollups: [], breakdown_rollups: ['dimension', 'value'] };

/**
 * Rows are locked in the order in which ingest writes them, so that neither waits for one that waits for it. One that it
 * adds meanwhile stays a quarter-hour until the next time.
 */
function compact(table: string, key: string[]): string {
  const named = key.map((column) => `${column}, `).join('');
  const order = key[0] === 'dimension' ? 'dimension, bucket, value' : ['bucket', ...key].join(', ');
  return `
          PERFORM FROM ${table}
          WHERE tenant_id = tenant AND ${among(table)} AND bucket >= hour AND bucket < hour + interval '1 hour'
          ORDER BY ${order} FOR UPDATE;
          WITH gone AS (
            DELETE FROM ${table}
            WHERE tenant_id = tenant AND ${among(table)} AND bucket > hour AND bucket < hour + interval '1 hour'
            RETURNING *
          )
          INSERT INTO ${table} AS rollup (tenant_id, bucket, ${named}clicks, visitors, bots)
          SELECT tenant, hour, ${named}sum(clicks), sum(visitors), sum(bots) FROM gone
          ${key.length > 0 ? `GROUP BY ${key.join(', ')} ORDER BY ${key.join(', ')}` : 'HAVING count(*) > 0'}
          ON CONFLICT (tenant_id, ${order}) DO UPDATE
          SET clicks = rollup.clicks + excluded.clicks, visitors = rollup.visitors + excluded.visitors,
              bots = rollup.bots + excluded.bots;
          GET DIAGNOSTICS step = ROW_COUNT;
          moved := moved + step;`;
}

const DIMENSIONS = [
  'continent', 'country', 'region', 'city', 'device', 'browser', 'os', 'referrer_host', 'language', 'utm_source',
  'utm_medium', 'utm_campaign', 'utm_term', 'utm_content', 'trigger', 'domain_id',
]; // prettier-ignore

// Its key begins with the dimension: named, all of them are looked up by it.
const among = (table: string): string =>
  table === 'breakdown_rollups' ? `dimension IN (${DIMENSIONS.map((name) => `'${name}'`).join(', ')})` : 'true';
