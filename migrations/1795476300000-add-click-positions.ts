import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The transaction that stored a click, so that clicks can be followed in the order in which they came: late ones
 * included, and none left out although transactions end in another order than they begin.
 *
 * Clicks come in that order, so an index of ranges of pages finds the latest and costs next to nothing to keep.
 */
export class AddClickPositions1795476300000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(
      `ALTER TABLE clicks ADD COLUMN ingested bigint NOT NULL DEFAULT (pg_current_xact_id()::text)::bigint`,
    );
    await db.query(
      `CREATE INDEX clicks_ingested ON clicks USING brin (ingested) WITH (pages_per_range = 32, autosummarize = on)`,
    );
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP INDEX clicks_ingested`);
    await db.query(`ALTER TABLE clicks DROP COLUMN ingested`);
  }
}
