import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTenantTable } from './support/tenant-table.js';

const LIMITS = ['links_per_month', 'max_domains', 'max_members', 'requests_per_minute'];

/** What a tenant may have, by its plan, and how many links it has created in each month. */
export class AddPlans1795477400000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // A limit that is null is the platform's.
    await db.query(`
      ALTER TABLE tenants
      ADD COLUMN plan text NOT NULL DEFAULT 'standard',
      ${LIMITS.map((limit) => `ADD COLUMN ${limit} integer, ADD CONSTRAINT tenants_${limit} CHECK (${limit} >= 0)`).join(', ')}`);

    // Creators of an unlimited tenant's links need not wait for each other: each database connection counts in a slot
    // of its own. Where there is a limit, all of them count in slot 0, one after the other.
    await createTenantTable(db, 'link_usage', {
      columns: `
        month date NOT NULL,
        slot smallint NOT NULL,
        links bigint NOT NULL`,
      primaryKey: 'month, slot',
    });
    await db.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON link_usage TO waypost_app`);
    await this.createCounter(db);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP FUNCTION take_links(uuid, date, integer, integer)`);
    await db.query(`DROP TABLE link_usage`);
    for (const column of ['plan', ...LIMITS]) await db.query(`ALTER TABLE tenants DROP COLUMN ${column}`);
  }

  /**
   * Counts links about to be created, and tells the limit (null: none) and what is now used of it. Each waits in slot 0
   * until the one before has committed or gone back, and then looks anew: so two can not both take the last one.
   *
   * A function, for a session plans its statements once: as one statement it cost 0.30 ms, of which planning most, and
   * now 0.1. It runs with the rights of whoever calls it.
   */
  private async createCounter(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE FUNCTION take_links(tenant uuid, this_month date, taken integer, platform_limit integer,
                                 OUT most integer, OUT used bigint)
      LANGUAGE plpgsql AS $$
      BEGIN
        SELECT coalesce(links_per_month, platform_limit) INTO most FROM tenants WHERE id = tenant;
        INSERT INTO link_usage AS usage (tenant_id, month, slot, links)
        VALUES (tenant, this_month, CASE WHEN most IS NULL THEN 1 + pg_backend_pid() % 15 ELSE 0 END, taken)
        ON CONFLICT (tenant_id, month, slot) DO UPDATE SET links = usage.links + excluded.links;
        IF most IS NOT NULL THEN
          SELECT sum(links) INTO used FROM link_usage WHERE tenant_id = tenant AND month = this_month;
        END IF;
      END $$`);
    await db.query(`REVOKE EXECUTE ON FUNCTION take_links(uuid, date, integer, integer) FROM PUBLIC`);
    await db.query(`GRANT EXECUTE ON FUNCTION take_links(uuid, date, integer, integer) TO waypost_app`);
  }
}
