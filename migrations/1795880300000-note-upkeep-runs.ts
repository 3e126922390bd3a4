import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * When each job of the upkeep last ended well, and what it found. The worker alone reads and writes it; a version that does
 * not know it leaves it as it is.
 */
export class NoteUpkeepRuns1795880300000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE upkeep_runs (
        job text NOT NULL,
        succeeded_at timestamptz NOT NULL,
        outcome jsonb,
        CONSTRAINT upkeep_runs_pkey PRIMARY KEY (job)
      )`);
    await db.query(`ALTER TABLE upkeep_runs ENABLE ROW LEVEL SECURITY`);
    await db.query(`ALTER TABLE upkeep_runs FORCE ROW LEVEL SECURITY`);
    await db.query(`CREATE POLICY ingest ON upkeep_runs TO waypost_ingest USING (true) WITH CHECK (true)`);
    await db.query(`GRANT SELECT, INSERT, UPDATE ON upkeep_runs TO waypost_ingest`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE upkeep_runs`);
  }
}
