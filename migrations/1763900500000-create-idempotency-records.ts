import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTenantIndex, createTenantTable } from './support/tenant-table.js';

export class CreateIdempotencyRecords1763900500000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await createTenantTable(db, 'idempotency_records', {
      columns: `
        principal text NOT NULL,
        key text NOT NULL,
        request_hash bytea NOT NULL,
        status smallint NOT NULL,
        sealed_body bytea NOT NULL,
        expires_at timestamptz NOT NULL`,
      primaryKey: 'principal, key',
    });
    await createTenantIndex(db, 'idempotency_records', 'expires_at', { columns: 'expires_at' });
    await db.query(`GRANT SELECT, INSERT, DELETE ON idempotency_records TO waypost_app`);
    // The worker sweeps expired records of every tenant, and can read nothing of them but their age.
    await db.query(
      `CREATE POLICY sweep_reads ON idempotency_records FOR SELECT TO waypost_ingest USING (expires_at < now())`,
    );
    await db.query(
      `CREATE POLICY sweep_deletes ON idempotency_records FOR DELETE TO waypost_ingest USING (expires_at < now())`,
    );
    await db.query(`GRANT SELECT (tenant_id, expires_at), DELETE ON idempotency_records TO waypost_ingest`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE idempotency_records`);
  }
}
