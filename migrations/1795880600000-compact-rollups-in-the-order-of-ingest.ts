import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * PostgreSQL carries out the writes in the CTEs of a statement from the last to the first. Ingest thus adds to the sums of
 * parts before those of tenants, and to those of links at the end, whereas the compactor began with these: each could
 * wait for the other.
 */
export class CompactRollupsInTheOrderOfIngest1795880600000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await this.replaceCompactor(db, ['breakdown_rollups', 'tenant_rollups', 'click_rollups']);
  }

  async down(db: QueryRunner): Promise<void> {
    await this.replaceCompactor(db, ['click_rollups', 'tenant_rollups', 'breakdown_rollups']);
  }

  /** With the same signature and rights; what it does otherwise is told where it was created. */
  private async replaceCompactor(db: QueryRunner, tables: Array<keyof typeof KEYS>): Promise<void> {
    await db.query(`
      CREATE OR REPLACE FUNCTION compact_rollups(tenant uuid, hours timestamptz[]) RETURNS int
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
          ${tables.map(compact).join('')}
        END LOOP;
        RETURN moved;
      END $$`);
  }
}

const hourOf = (time: string): string => `date_bin('1 hour', ${time}, timestamptz '2000-01-01 00:00+00')`;

// Of each key what comes after tenant and bucket.
const KEYS = { click_rollups: ['link_id'], tenant_rollups: [], breakdown_rollups: ['dimension', 'value'] };

function compact(table: keyof typeof KEYS): string {
  const key: string[] = KEYS[table];
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
