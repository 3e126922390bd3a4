import type { MigrationInterface, QueryRunner } from 'typeorm';
import { OWN_TENANT } from './support/tenant-table.js';

const NOTED = ['click_segments', 'click_segment_days'];

/**
 * A tenant is exported and imported by the owner of its tables, who sees and writes the rows of the tenant that is set, and
 * no others. Here are the two places where that was not so: takedowns, and the ledger, which must know of clicks that came
 * in a file.
 */
export class LetTheOwnerCarryTenants1795880400000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(
      `CREATE POLICY carries ON takedowns TO waypost_owner USING (${OWN_TENANT}) WITH CHECK (${OWN_TENANT})`,
    );
    for (const table of NOTED) {
      await db.query(`CREATE POLICY carries ON ${table} FOR INSERT TO waypost_owner WITH CHECK (true)`);
    }
  }

  async down(db: QueryRunner): Promise<void> {
    for (const table of ['takedowns', ...NOTED]) await db.query(`DROP POLICY carries ON ${table}`);
  }
}
