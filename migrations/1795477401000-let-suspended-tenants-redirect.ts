import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A suspended tenant's visitors need not suffer for what its admins are shut out for: operators choose. */
export class LetSuspendedTenantsRedirect1795477401000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`ALTER TABLE tenants ADD COLUMN redirects_while_suspended boolean NOT NULL DEFAULT false`);
    await db.query(`GRANT SELECT (redirects_while_suspended) ON tenants TO waypost_resolver`);
    await db.query(view('(t.suspended_at IS NULL OR t.redirects_while_suspended)'));
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(view('t.suspended_at IS NULL'));
    await db.query(`ALTER TABLE tenants DROP COLUMN redirects_while_suspended`);
  }
}

const view = (served: string): string => `
      CREATE OR REPLACE VIEW resolver_domains WITH (security_invoker = true) AS
      SELECT d.hostname, d.tenant_id, d.id AS domain_id, d.case_sensitive, d.root_url, d.not_found_url, d.expired_url
      FROM domains d
      JOIN tenants t ON t.id = d.tenant_id
      WHERE d.verified_at IS NOT NULL AND ${served} AND t.deleted_at IS NULL`;
