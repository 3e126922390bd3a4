import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The worker finds upkeep across tenants (domains to check again, tenants to purge) with these few columns; it
 * then does the work as waypost_app, one tenant at a time.
 */
export class GrantUpkeep1763900800000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`GRANT SELECT (id, deleted_at, purged_at) ON tenants TO waypost_ingest`);
    await db.query(`GRANT SELECT (tenant_id, id, verified_at, checked_at, created_at) ON domains TO waypost_ingest`);
    for (const table of ['tenants', 'domains']) {
      await db.query(`CREATE POLICY upkeep_reads ON ${table} FOR SELECT TO waypost_ingest USING (true)`);
    }
  }

  async down(db: QueryRunner): Promise<void> {
    for (const table of ['tenants', 'domains']) {
      await db.query(`DROP POLICY upkeep_reads ON ${table}`);
      await db.query(`REVOKE ALL ON ${table} FROM waypost_ingest`);
    }
  }
}
