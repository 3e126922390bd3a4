import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTenantTable } from './support/tenant-table.js';

export class CreateOutbox1763900400000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await createTenantTable(db, 'outbox', {
      columns: `
        id uuid NOT NULL,
        topic text NOT NULL,
        payload jsonb NOT NULL,
        traceparent text,
        created_at timestamptz NOT NULL`,
      primaryKey: 'id',
    });
    await db.query(`GRANT INSERT ON outbox TO waypost_app`);
    // The relay in the worker carries the events of every tenant, and deletes what it has carried.
    await db.query(`CREATE POLICY relay_reads ON outbox FOR SELECT TO waypost_ingest USING (true)`);
    await db.query(`CREATE POLICY relay_deletes ON outbox FOR DELETE TO waypost_ingest USING (true)`);
    await db.query(`GRANT SELECT, DELETE ON outbox TO waypost_ingest`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE outbox`);
  }
}
