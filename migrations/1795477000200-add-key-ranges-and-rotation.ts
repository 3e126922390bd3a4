import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTenantIndex } from './support/tenant-table.js';

/** Where a key may be used from, and the secret it had before, which works for a while yet. */
export class AddKeyRangesAndRotation1795477000200 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      ALTER TABLE api_keys
      ADD COLUMN allowed_ip_ranges text[],
      ADD COLUMN previous_secret_hash bytea,
      ADD COLUMN previous_secret_expires_at timestamptz,
      ADD CONSTRAINT api_keys_previous_secret CHECK ((previous_secret_hash IS NULL) = (previous_secret_expires_at IS NULL))`);
    await createTenantIndex(db, 'api_keys', 'previous_secret_hash', {
      columns: 'tenant_id, previous_secret_hash',
      unique: true,
      where: 'previous_secret_hash IS NOT NULL',
    });
    await db.query(`
      GRANT UPDATE (secret_hash, hint, previous_secret_hash, previous_secret_expires_at) ON api_keys TO waypost_app`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`REVOKE UPDATE (secret_hash, hint) ON api_keys FROM waypost_app`);
    await db.query(`
      ALTER TABLE api_keys
      DROP COLUMN allowed_ip_ranges, DROP COLUMN previous_secret_hash, DROP COLUMN previous_secret_expires_at`);
  }
}
