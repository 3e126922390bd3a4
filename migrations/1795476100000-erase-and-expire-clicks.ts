import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTenantTable } from './support/tenant-table.js';

const NIL = '00000000-0000-0000-0000-000000000000';
const ERASED = ['clicks', 'click_rollups', 'tenant_rollups', 'breakdown_rollups', 'click_days'];

/** The clicks of deleted links and tenants are erased, and those that are old enough dropped by the month. */
export class EraseAndExpireClicks1795476100000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await this.createErasures(db);
    await this.createPartitionDropper(db);
    await db.query(`
      ALTER TABLE tenants
      ADD COLUMN click_retention_days integer,
      ADD CONSTRAINT tenants_click_retention_days CHECK (click_retention_days BETWEEN 1 AND 36500)`);
    await db.query(`GRANT SELECT (click_retention_days) ON tenants TO waypost_ingest`);
    // One tenant at a time, under row-level security: ingest itself deletes nothing.
    for (const table of ERASED) await db.query(`GRANT DELETE ON ${table} TO waypost_app`);
  }

  async down(db: QueryRunner): Promise<void> {
    for (const table of ERASED) await db.query(`REVOKE DELETE ON ${table} FROM waypost_app`);
    await db.query(`ALTER TABLE tenants DROP COLUMN click_retention_days`);
    await db.query(`DROP FUNCTION drop_click_partitions(date)`);
    await db.query(`DROP TABLE click_erasures`);
  }

  /** What is to be erased: the clicks of a link, or with the nil UUID those of the whole tenant. */
  private async createErasures(db: QueryRunner): Promise<void> {
    await createTenantTable(db, 'click_erasures', {
      columns: `link_id uuid NOT NULL, requested_at timestamptz NOT NULL`,
      primaryKey: 'link_id',
    });
    await db.query(`CREATE POLICY ingest ON click_erasures FOR SELECT TO waypost_ingest USING (true)`);
    await db.query(`GRANT SELECT ON click_erasures TO waypost_ingest`);
    await db.query(`GRANT SELECT, INSERT, DELETE ON click_erasures TO waypost_app`);

    // What was deleted before there was a place to note it. The owner is no exception to row-level security, except here.
    const tables = ['click_erasures', 'click_rollups', 'links', 'tenants'];
    for (const table of tables) await db.query(`ALTER TABLE ${table} NO FORCE ROW LEVEL SECURITY`);
    await db.query(`
      INSERT INTO click_erasures (tenant_id, link_id, requested_at)
      SELECT id, '${NIL}', now() FROM tenants WHERE deleted_at IS NOT NULL
      UNION
      SELECT tenant_id, link_id, now() FROM click_rollups AS rollup
      WHERE NOT EXISTS (SELECT FROM links WHERE links.tenant_id = rollup.tenant_id AND links.id = rollup.link_id)`);
    for (const table of tables) await db.query(`ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`);
  }

  /** Only the owner may drop tables; the worker, which runs on schedule, may call this function and no more. */
  private async createPartitionDropper(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE FUNCTION drop_click_partitions(first_kept date) RETURNS int
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      DECLARE
        month_table text;
        dropped int := 0;
      BEGIN
        IF first_kept >= now()::date THEN
          RAISE EXCEPTION 'today is always kept: % is not before it', first_kept;
        END IF;
        PERFORM pg_advisory_xact_lock(hashtext('make_click_partitions'));
        FOR month_table IN
          SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
          WHERE inhparent = 'clicks'::regclass AND c.relname ~ '^clicks_[0-9]{4}_[0-9]{2}$'
            AND to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month' <= first_kept
          ORDER BY 1
        LOOP
          EXECUTE format('DROP TABLE %I', month_table);
          dropped := dropped + 1;
        END LOOP;
        RETURN dropped;
      END $$`);
    await db.query(`REVOKE EXECUTE ON FUNCTION drop_click_partitions(date) FROM PUBLIC`);
    await db.query(`GRANT EXECUTE ON FUNCTION drop_click_partitions(date) TO waypost_ingest`);
  }
}
