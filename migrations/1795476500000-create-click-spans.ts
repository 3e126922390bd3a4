import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTenantIndex, createTenantTable } from './support/tenant-table.js';

const TABLES = ['click_spans', 'link_spans', 'visit_spans'];

/** Sums of longer times, which the worker makes of what ingest keeps: analytics read few of them for many days. */
export class CreateClickSpans1795476500000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    const sums = `
        clicks bigint NOT NULL,
        visitors bigint NOT NULL,
        bots bigint NOT NULL`;
    // What is there: `counted` is the sum of tenant_rollups, clicks and bots, when the span was made. It only ever grows,
    // so where it is another now, the span is out of date. Bounds are the most that a link has of which `tier` says
    // nothing, or more than 0, 1, 2: of clicks, of clicks and bots, of visitors.
    await createTenantTable(db, 'click_spans', {
      columns: `
        kind text NOT NULL,
        first timestamptz NOT NULL,
        hours integer NOT NULL,
        counted bigint NOT NULL,
        click_bounds bigint[],
        all_bounds bigint[],
        visitor_bounds bigint[]`,
      primaryKey: 'kind, first, hours',
      constraints: [`CONSTRAINT click_spans_kind CHECK (kind IN ('links', 'visits'))`],
    });
    await createTenantTable(db, 'link_spans', {
      columns: `link_id uuid NOT NULL, first timestamptz NOT NULL, ${sums}, hours integer NOT NULL, tier smallint`,
      primaryKey: 'hours, first, link_id',
    });
    // The most clicked links of a span, by which the most clicked of several are found without reading all.
    await createTenantIndex(db, 'link_spans', 'tier', {
      columns: 'tenant_id, hours, first, tier',
      where: 'tier IS NOT NULL',
    });
    await createTenantTable(db, 'visit_spans', {
      columns: `
        first timestamptz NOT NULL, ${sums}, hours integer NOT NULL,
        ${CELL.map((column) => `${column} text NOT NULL`).join(', ')}`,
      primaryKey: `hours, first, ${CELL.join(', ')}`,
    });
    for (const table of TABLES) {
      await db.query(`CREATE POLICY ingest ON ${table} TO waypost_ingest USING (true) WITH CHECK (true)`);
      await db.query(`GRANT SELECT, INSERT, DELETE ON ${table} TO waypost_ingest`);
      await db.query(`GRANT SELECT, DELETE ON ${table} TO waypost_app`);
    }
    // What a deleted link had is taken out of them.
    await db.query(`GRANT UPDATE (clicks, visitors, bots) ON visit_spans TO waypost_app`);
    await this.tellExpired(db);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`ALTER TABLE erased_clicks DROP COLUMN expired`);
    for (const table of TABLES) await db.query(`DROP TABLE ${table}`);
  }

  /** Where clicks have expired, no sums are made of those that are left. Of earlier ones nobody knows why they went. */
  private async tellExpired(db: QueryRunner): Promise<void> {
    await db.query(`ALTER TABLE erased_clicks ADD COLUMN expired bigint NOT NULL DEFAULT 0`);
    // The owner is no exception to row-level security, except here.
    await db.query(`ALTER TABLE erased_clicks NO FORCE ROW LEVEL SECURITY`);
    await db.query(`UPDATE erased_clicks SET expired = clicks`);
    await db.query(`ALTER TABLE erased_clicks FORCE ROW LEVEL SECURITY`);
  }
}

const CELL = ['country', 'continent', 'device', 'browser', 'os', 'trigger'];
