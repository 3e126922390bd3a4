import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTenantTable } from './support/tenant-table.js';

/**
 * What became of each segment of clicks, and the clicks that could not be stored. Both are the platform's: a segment has
 * clicks of any tenants, and what is wrong with a dead letter may be its tenant.
 */
export class CreateClickLedger1795476200000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // Written when all of a segment is dealt with.
    await db.query(`
      CREATE TABLE click_segments (
        id uuid NOT NULL,
        spool uuid,
        number integer,
        clicks integer NOT NULL,
        dropped integer NOT NULL,
        settled_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT click_segments_pkey PRIMARY KEY (id)
      )`);
    // Written by the transaction that stores the clicks, so that the two can not differ.
    await db.query(`
      CREATE TABLE click_segment_days (
        segment_id uuid NOT NULL,
        day date NOT NULL,
        stored integer NOT NULL,
        CONSTRAINT click_segment_days_pkey PRIMARY KEY (segment_id, day)
      )`);
    await db.query(`CREATE INDEX click_segment_days_day ON click_segment_days (day)`);
    await db.query(`
      CREATE TABLE dead_clicks (
        id uuid NOT NULL,
        tenant_id uuid,
        kind text NOT NULL,
        segment text NOT NULL,
        error text NOT NULL,
        failed_at timestamptz NOT NULL DEFAULT date_trunc('milliseconds', now()),
        sealed bytea NOT NULL,
        has_address boolean NOT NULL,
        redrive_requested_at timestamptz,
        redriven_at timestamptz,
        CONSTRAINT dead_clicks_pkey PRIMARY KEY (id),
        CONSTRAINT dead_clicks_kind CHECK (kind IN ('click', 'segment'))
      )`);
    await db.query(`CREATE INDEX dead_clicks_failed ON dead_clicks (failed_at, id)`);
    await db.query(`CREATE INDEX dead_clicks_waiting ON dead_clicks (segment) WHERE redriven_at IS NULL`);
    for (const table of TABLES) {
      await db.query(`ALTER TABLE ${table} ENABLE ROW LEVEL SECURITY`);
      await db.query(`ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`);
      await db.query(`CREATE POLICY ingest ON ${table} TO waypost_ingest USING (true) WITH CHECK (true)`);
      await db.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ${table} TO waypost_ingest`);
    }
    // The api has no business with the queue: it notes what operators want, and the worker does it.
    await db.query(`
      CREATE POLICY operators ON dead_clicks TO waypost_app
      USING (current_setting('app.platform', true) = 'on') WITH CHECK (current_setting('app.platform', true) = 'on')`);
    await db.query(`GRANT SELECT, UPDATE (redrive_requested_at) ON dead_clicks TO waypost_app`);
    await this.createErased(db);
    await this.noteBeginning(db);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE erased_clicks`);
    for (const table of TABLES) await db.query(`DROP TABLE ${table}`);
  }

  /** How many clicks were stored and deleted again: that is no loss. */
  private async createErased(db: QueryRunner): Promise<void> {
    await createTenantTable(db, 'erased_clicks', {
      columns: `day date NOT NULL, clicks bigint NOT NULL`,
      primaryKey: 'day',
    });
    await db.query(`GRANT SELECT, INSERT, UPDATE ON erased_clicks TO waypost_app`);
    await db.query(`CREATE POLICY ingest ON erased_clicks FOR SELECT TO waypost_ingest USING (true)`);
    await db.query(`GRANT SELECT ON erased_clicks TO waypost_ingest`);
  }

  /** Clicks of before are in no segment: days are compared from the one after the ledger's first. */
  private async noteBeginning(db: QueryRunner): Promise<void> {
    // The owner is no exception to row-level security, except here.
    for (const table of ['clicks', 'click_segment_days'])
      await db.query(`ALTER TABLE ${table} NO FORCE ROW LEVEL SECURITY`);
    await db.query(`
      INSERT INTO click_segment_days (segment_id, day, stored)
      SELECT '00000000-0000-0000-0000-000000000000', (now() AT TIME ZONE 'UTC')::date, 0
      WHERE EXISTS (SELECT FROM clicks)`);
    for (const table of ['clicks', 'click_segment_days'])
      await db.query(`ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`);
  }
}

const TABLES = ['click_segments', 'click_segment_days', 'dead_clicks'];
