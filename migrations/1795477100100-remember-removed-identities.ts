import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTenantTable } from './support/tenant-table.js';

/** Who was removed: a role mapping must not make a member of them again at their next request. */
export class RememberRemovedIdentities1795477100100 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await createTenantTable(db, 'removed_identities', {
      columns: `
        provider_id uuid NOT NULL,
        subject text NOT NULL,
        removed_at timestamptz NOT NULL`,
      primaryKey: 'provider_id, subject',
      constraints: ['CONSTRAINT removed_identities_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id)'],
    });
    await db.query(`GRANT SELECT, INSERT, DELETE ON removed_identities TO waypost_app`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE removed_identities`);
  }
}
