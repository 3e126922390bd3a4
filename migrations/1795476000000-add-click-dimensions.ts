import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTenantTable } from './support/tenant-table.js';

/** What is known of a click besides link and time, and the sums of it that analytics read. */
export class AddClickDimensions1795476000000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await this.extendTables(db);
    await this.createRollups(db);
    await this.createVisitors(db);
    await this.fillRollups(db);
  }

  async down(db: QueryRunner): Promise<void> {
    for (const table of [...ROLLUPS, 'visitor_days', 'visitor_salts']) await db.query(`DROP TABLE ${table}`);
    await db.query(`ALTER TABLE tenants DROP COLUMN click_details`);
    for (const table of COUNTED) await db.query(`ALTER TABLE ${table} DROP COLUMN visitors, DROP COLUMN bots`);
    const added = [...OF_VISIT, 'trigger', ...FLAGS];
    await db.query(`ALTER TABLE clicks ${added.map((column) => `DROP COLUMN ${column}`).join(', ')}`);
  }

  /** With defaults: versions that run meanwhile know none of this. No row is rewritten. */
  private async extendTables(db: QueryRunner): Promise<void> {
    const columns = [
      ...OF_VISIT.map((column) => `${column} text`),
      `trigger text NOT NULL DEFAULT 'link'`,
      ...FLAGS.map((column) => `${column} boolean NOT NULL DEFAULT false`),
    ];
    await db.query(`ALTER TABLE clicks ${columns.map((column) => `ADD COLUMN ${column}`).join(', ')}`);
    for (const table of COUNTED) {
      await db.query(`
        ALTER TABLE ${table}
        ADD COLUMN visitors bigint NOT NULL DEFAULT 0, ADD COLUMN bots bigint NOT NULL DEFAULT 0`);
    }
    await db.query(`
      ALTER TABLE tenants
      ADD COLUMN click_details text NOT NULL DEFAULT 'full',
      ADD CONSTRAINT tenants_click_details CHECK (click_details IN ('full', 'counts'))`);
    await db.query(`GRANT SELECT (click_details) ON tenants TO waypost_ingest`);
  }

  private async createRollups(db: QueryRunner): Promise<void> {
    const sums = `
        clicks bigint NOT NULL,
        visitors bigint NOT NULL,
        bots bigint NOT NULL`;
    await createTenantTable(db, 'tenant_rollups', {
      columns: `bucket timestamptz NOT NULL, ${sums}`,
      primaryKey: 'bucket',
    });
    await createTenantTable(db, 'breakdown_rollups', {
      columns: `dimension text NOT NULL, bucket timestamptz NOT NULL, value text NOT NULL, ${sums}`,
      primaryKey: 'dimension, bucket, value',
    });
    // The same by UTC day: long ranges read whole days, and quarter-hours only at their ragged ends.
    await createTenantTable(db, 'click_days', {
      columns: `dimension text NOT NULL, day date NOT NULL, value text NOT NULL, ${sums}`,
      primaryKey: 'dimension, day, value',
    });
    for (const table of ROLLUPS) {
      await db.query(`CREATE POLICY ingest ON ${table} TO waypost_ingest USING (true) WITH CHECK (true)`);
      await db.query(`GRANT SELECT, INSERT, UPDATE ON ${table} TO waypost_ingest`);
      await db.query(`GRANT SELECT ON ${table} TO waypost_app`);
    }
  }

  /** Who was seen on which day, under a salt that is destroyed: the application reads neither. */
  private async createVisitors(db: QueryRunner): Promise<void> {
    await createTenantTable(db, 'visitor_days', {
      columns: `day date NOT NULL, link_id uuid NOT NULL, visitor bytea NOT NULL`,
      primaryKey: 'day, link_id, visitor',
    });
    await db.query(`
      CREATE TABLE visitor_salts (
        day date NOT NULL,
        salt bytea NOT NULL,
        CONSTRAINT visitor_salts_pkey PRIMARY KEY (day)
      )`);
    await db.query(`ALTER TABLE visitor_salts ENABLE ROW LEVEL SECURITY`);
    await db.query(`ALTER TABLE visitor_salts FORCE ROW LEVEL SECURITY`);
    for (const table of ['visitor_days', 'visitor_salts']) {
      await db.query(`CREATE POLICY ingest ON ${table} TO waypost_ingest USING (true) WITH CHECK (true)`);
      await db.query(`GRANT SELECT, INSERT, DELETE ON ${table} TO waypost_ingest`);
    }
  }

  /** From what was counted before. Of those clicks nothing is known but link, domain and time. */
  private async fillRollups(db: QueryRunner): Promise<void> {
    const tables = ['click_rollups', 'links', ...ROLLUPS];
    // The owner is no exception to row-level security, except here.
    for (const table of tables) await db.query(`ALTER TABLE ${table} NO FORCE ROW LEVEL SECURITY`);
    await db.query(`
      INSERT INTO tenant_rollups (tenant_id, bucket, clicks, visitors, bots)
      SELECT tenant_id, bucket, sum(clicks), 0, 0 FROM click_rollups GROUP BY 1, 2`);
    await db.query(
      `INSERT INTO breakdown_rollups (tenant_id, dimension, bucket, value, clicks, visitors, bots)
       SELECT tenant_id, dimension, bucket, CASE dimension WHEN 'trigger' THEN 'link' ELSE '' END, clicks, 0, 0
       FROM tenant_rollups CROSS JOIN unnest($1::text[]) AS dimension`,
      [[...OF_VISIT, 'trigger']],
    );
    await db.query(`
      INSERT INTO breakdown_rollups (tenant_id, dimension, bucket, value, clicks, visitors, bots)
      SELECT rollup.tenant_id, 'domain_id', bucket, coalesce(domain_id::text, ''), sum(clicks), 0, 0
      FROM click_rollups AS rollup
      LEFT JOIN links ON links.tenant_id = rollup.tenant_id AND links.id = rollup.link_id
      GROUP BY 1, 3, 4`);
    await db.query(`
      INSERT INTO click_days (tenant_id, dimension, day, value, clicks, visitors, bots)
      SELECT tenant_id, dimension, (bucket AT TIME ZONE 'UTC')::date, value, sum(clicks), 0, 0
      FROM breakdown_rollups GROUP BY 1, 2, 3, 4`);
    for (const table of tables) await db.query(`ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`);
  }
}

const ROLLUPS = ['tenant_rollups', 'breakdown_rollups', 'click_days'];
const COUNTED = ['click_rollups', 'link_stats'];

const OF_VISIT = [
  'continent', 'country', 'region', 'city', 'device', 'browser', 'os', 'referrer_host', 'language', 'utm_source',
  'utm_medium', 'utm_campaign', 'utm_term', 'utm_content',
]; // prettier-ignore
const FLAGS = ['bot', 'first_of_link', 'first_of_tenant'];
