import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Most visitors of a day see one link of a tenant: it is noted in the row that says so, in place of a row of its own. By a
 * hash, so that nothing of a link that is erased is left here.
 */
export class NoteTheFirstLinkOfAVisitor1795880800000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE visitor_days ADD COLUMN first_link integer');
  }

  /** Until the end of the day, who is seen again on their first link counts as its visitor once more. */
  async down(db: QueryRunner): Promise<void> {
    await db.query('ALTER TABLE visitor_days DROP COLUMN first_link');
  }
}
