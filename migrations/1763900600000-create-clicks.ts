import type { MigrationInterface, QueryRunner } from 'typeorm';
import {
  createTenantIndex,
  createTenantTable,
  hashPartitions,
  isolateByTenant,
  OWN_TENANT,
} from './support/tenant-table.js';

const MONTHS_BACK = 1;
const MONTHS_AHEAD = 3;

export class CreateClicks1763900600000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // By month, so that retention drops a partition; each month by tenant, so that a tenant's query reads one.
    await db.query(`
      CREATE TABLE clicks (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        link_id uuid NOT NULL,
        domain_id uuid NOT NULL,
        occurred_at timestamptz NOT NULL,
        referrer text,
        user_agent text,
        CONSTRAINT clicks_pkey PRIMARY KEY (tenant_id, occurred_at, id)
      ) PARTITION BY RANGE (occurred_at)`);
    await db.query(`CREATE INDEX clicks_link ON clicks (tenant_id, link_id, occurred_at)`);
    await isolateByTenant(db, 'clicks');
    await this.createPartitionMaker(db);
    await db.query(
      `SELECT make_click_partitions((now() - interval '${MONTHS_BACK} month')::date, ${MONTHS_BACK + 1 + MONTHS_AHEAD})`,
    );

    // Quarter-hours, so that day boundaries are exact in every IANA time zone.
    await createTenantTable(db, 'click_rollups', {
      columns: `
        bucket timestamptz NOT NULL,
        link_id uuid NOT NULL,
        clicks bigint NOT NULL`,
      primaryKey: 'bucket, link_id',
    });
    await createTenantIndex(db, 'click_rollups', 'link', { columns: 'tenant_id, link_id, bucket' });

    await db.query(`GRANT SELECT ON clicks, click_rollups TO waypost_app`);
    // Ingest writes the clicks of every tenant in one statement: it may do so here and nowhere else.
    for (const table of ['clicks', 'click_rollups', 'link_stats']) {
      await db.query(`CREATE POLICY ingest ON ${table} TO waypost_ingest USING (true) WITH CHECK (true)`);
      await db.query(`GRANT SELECT, INSERT ON ${table} TO waypost_ingest`);
    }
    await db.query(`GRANT UPDATE ON click_rollups, link_stats TO waypost_ingest`);
  }

  /** Only the owner may create tables; the worker, which runs on schedule, may call this function and no more. */
  private async createPartitionMaker(db: QueryRunner): Promise<void> {
    const partitions = await hashPartitions(db);
    await db.query(`
      CREATE FUNCTION make_click_partitions(first_month date, months int) RETURNS int
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      DECLARE
        lower_bound timestamptz;
        month_table text;
        leaf text;
        made int := 0;
      BEGIN
        IF months NOT BETWEEN 1 AND 24 THEN
          RAISE EXCEPTION 'months must be between 1 and 24, not %', months;
        END IF;
        PERFORM pg_advisory_xact_lock(hashtext('make_click_partitions'));
        FOR month IN 0 .. months - 1 LOOP
          lower_bound := (date_trunc('month', first_month::timestamp) + make_interval(months => month)) AT TIME ZONE 'UTC';
          month_table := 'clicks_' || to_char(lower_bound AT TIME ZONE 'UTC', 'YYYY_MM');
          CONTINUE WHEN to_regclass(month_table) IS NOT NULL;
          EXECUTE format(
            'CREATE TABLE %I PARTITION OF clicks FOR VALUES FROM (%L) TO (%L) PARTITION BY HASH (tenant_id)',
            month_table, lower_bound, ((lower_bound AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC');
          PERFORM isolate_by_tenant(month_table);
          FOR n IN 0 .. ${partitions - 1} LOOP
            leaf := month_table || '_p' || lpad(n::text, 2, '0');
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES WITH (MODULUS ${partitions}, REMAINDER %s)',
              leaf, month_table, n);
            PERFORM isolate_by_tenant(leaf);
          END LOOP;
          made := made + 1;
        END LOOP;
        RETURN made;
      END $$`);
    await db.query(`
      CREATE FUNCTION isolate_by_tenant(target text) RETURNS void LANGUAGE plpgsql AS $$
      BEGIN
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', target);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', target);
        EXECUTE format('CREATE POLICY own_tenant ON %I USING (%s) WITH CHECK (%s)', target,
          $policy$${OWN_TENANT}$policy$, $policy$${OWN_TENANT}$policy$);
      END $$`);
    for (const signature of ['make_click_partitions(date, int)', 'isolate_by_tenant(text)']) {
      await db.query(`REVOKE EXECUTE ON FUNCTION ${signature} FROM PUBLIC`);
    }
    await db.query(`GRANT EXECUTE ON FUNCTION make_click_partitions(date, int) TO waypost_ingest`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE click_rollups`);
    await db.query(`DROP TABLE clicks`);
    await db.query(`DROP FUNCTION make_click_partitions(date, int)`);
    await db.query(`DROP FUNCTION isolate_by_tenant(text)`);
  }
}
