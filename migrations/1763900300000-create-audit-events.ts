import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTenantIndex, createTenantTable } from './support/tenant-table.js';

export class CreateAuditEvents1763900300000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await createTenantTable(db, 'audit_events', {
      columns: `
        id uuid NOT NULL,
        action text NOT NULL,
        actor text NOT NULL,
        target_type text NOT NULL,
        target_id text NOT NULL,
        before jsonb,
        after jsonb,
        request_id text NOT NULL,
        occurred_at timestamptz NOT NULL`,
      primaryKey: 'id',
    });
    await createTenantIndex(db, 'audit_events', 'target', { columns: 'tenant_id, target_id, id' });
    await createTenantIndex(db, 'audit_events', 'action', { columns: 'tenant_id, action, id' });
    // Append-only: the application may neither change nor delete what it has recorded.
    await db.query(`GRANT SELECT, INSERT ON audit_events TO waypost_app`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE audit_events`);
  }
}
