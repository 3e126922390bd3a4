import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTenantIndex, createTenantTable } from './support/tenant-table.js';

export class CreateApiKeys1763900200000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await createTenantTable(db, 'api_keys', {
      columns: `
        id uuid NOT NULL,
        name text NOT NULL,
        hint text NOT NULL,
        secret_hash bytea NOT NULL,
        scopes text[] NOT NULL,
        expires_at timestamptz,
        last_used_at timestamptz,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL`,
      primaryKey: 'id',
      constraints: ['CONSTRAINT api_keys_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id)'],
    });
    await createTenantIndex(db, 'api_keys', 'secret_hash', { columns: 'tenant_id, secret_hash', unique: true });
    await db.query(`GRANT SELECT, INSERT, DELETE, UPDATE (last_used_at) ON api_keys TO waypost_app`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE api_keys`);
  }
}
