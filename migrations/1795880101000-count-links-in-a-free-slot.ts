import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Of ten connections two came nearly always to the same slot of fifteen, and one waited until the other had committed.
 * Now each takes a slot that nobody holds.
 */
export class CountLinksInAFreeSlot1795880101000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await this.replaceCounter(
      db,
      `SET plan_cache_mode = force_generic_plan`,
      `
        IF most IS NOT NULL THEN
          free := 0;
        ELSE
          SELECT u.slot INTO free FROM public.link_usage u
          WHERE u.tenant_id = tenant AND u.month = this_month AND u.slot > 0
          LIMIT 1 FOR UPDATE SKIP LOCKED;
        END IF;`,
      `coalesce(free, 1 + pg_backend_pid() % 15)`,
    );
  }

  async down(db: QueryRunner): Promise<void> {
    await this.replaceCounter(db, '', '', `CASE WHEN most IS NULL THEN 1 + pg_backend_pid() % 15 ELSE 0 END`);
  }

  /** With the same signature and rights; what it does otherwise is told where it was created. */
  private async replaceCounter(db: QueryRunner, settings: string, choice: string, slot: string): Promise<void> {
    await db.query(`
      CREATE OR REPLACE FUNCTION take_links(tenant uuid, this_month date, taken integer, platform_limit integer,
                                            OUT most integer, OUT used bigint)
      LANGUAGE plpgsql ${settings} AS $$
      DECLARE
        free smallint;
      BEGIN
        SELECT coalesce(links_per_month, platform_limit) INTO most FROM tenants WHERE id = tenant;${choice}
        INSERT INTO link_usage AS usage (tenant_id, month, slot, links)
        VALUES (tenant, this_month, ${slot}, taken)
        ON CONFLICT (tenant_id, month, slot) DO UPDATE SET links = usage.links + excluded.links;
        IF most IS NOT NULL THEN
          SELECT sum(links) INTO used FROM link_usage WHERE tenant_id = tenant AND month = this_month;
        END IF;
      END $$`);
  }
}
