import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateByTenant } from './support/tenant-table.js';

/** Where links may lead: a policy a tenant, and under the nil id the platform's own, which every tenant's work obeys. */
export class AddDestinationPolicies1795477200000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE destination_policies (
        tenant_id uuid NOT NULL,
        version uuid NOT NULL,
        policy jsonb NOT NULL,
        CONSTRAINT destination_policies_pkey PRIMARY KEY (tenant_id)
      )`);
    await isolateByTenant(db, 'destination_policies');
    await db.query(`
      CREATE POLICY platform_reads ON destination_policies FOR SELECT TO waypost_app
      USING (tenant_id = '00000000-0000-0000-0000-000000000000')`);
    await db.query(`GRANT SELECT, INSERT, UPDATE ON destination_policies TO waypost_app`);

    // What the worker found when it looked at the destination again.
    await db.query(`ALTER TABLE links ADD COLUMN flag text`);
    await db.query(`GRANT SELECT (tenant_id, id, url, expired_url, flag) ON links TO waypost_ingest`);
    await db.query(`GRANT SELECT (root_url, not_found_url, expired_url) ON domains TO waypost_ingest`);
    await db.query(`CREATE POLICY upkeep_reads ON links FOR SELECT TO waypost_ingest USING (true)`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP POLICY upkeep_reads ON links`);
    await db.query(`REVOKE SELECT (root_url, not_found_url, expired_url) ON domains FROM waypost_ingest`);
    await db.query(`REVOKE SELECT (tenant_id, id, url, expired_url, flag) ON links FROM waypost_ingest`);
    await db.query(`ALTER TABLE links DROP COLUMN flag`);
    await db.query(`DROP TABLE destination_policies`);
  }
}
