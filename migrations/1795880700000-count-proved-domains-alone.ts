import type { MigrationInterface, QueryRunner } from 'typeorm';
import { OWN_TENANT } from './support/tenant-table.js';

/**
 * A hostname is a short domain once its tenant has proved that it may use it. What is only claimed counts for whoever
 * claims it, and for nobody else: else any tenant could keep the links of all others from any host.
 */
export class CountProvedDomainsAlone1795880700000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await this.replace(db, `AND (verified_at IS NOT NULL OR ${OWN_TENANT})`);
  }

  async down(db: QueryRunner): Promise<void> {
    await this.replace(db, '');
  }

  /** As create-tenants-and-domains made it, but for which domains count. */
  private async replace(db: QueryRunner, counts: string): Promise<void> {
    await db.query(`
      CREATE OR REPLACE FUNCTION is_short_domain(host text) RETURNS boolean
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      DECLARE
        known boolean;
      BEGIN
        PERFORM set_config('app.loop_check', 'on', true);
        SELECT EXISTS (SELECT FROM domains WHERE hostname = host ${counts}) INTO known;
        PERFORM set_config('app.loop_check', '', true);
        RETURN known;
      END $$`);
  }
}
