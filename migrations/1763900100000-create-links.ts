import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTenantIndex, createTenantTable } from './support/tenant-table.js';

export class CreateLinks1763900100000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`CREATE EXTENSION IF NOT EXISTS btree_gin`);
    await db.query(`CREATE EXTENSION IF NOT EXISTS pg_trgm`);

    await createTenantTable(db, 'links', {
      columns: `
        id uuid NOT NULL,
        domain_id uuid NOT NULL,
        key text NOT NULL,
        url text NOT NULL,
        external_id text,
        title text,
        comments text,
        starts_at timestamptz,
        expires_at timestamptz,
        expired_url text,
        max_clicks bigint,
        redirect_status smallint NOT NULL,
        forward_query boolean NOT NULL,
        archived boolean NOT NULL,
        disabled_at timestamptz,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL`,
      primaryKey: 'id',
      constraints: [
        'CONSTRAINT links_domain_fkey FOREIGN KEY (tenant_id, domain_id) REFERENCES domains (tenant_id, id)',
        'CONSTRAINT links_redirect_status CHECK (redirect_status IN (301, 302, 307, 308))',
        'CONSTRAINT links_max_clicks CHECK (max_clicks > 0)',
      ],
    });
    await createTenantIndex(db, 'links', 'domain_key', { columns: 'tenant_id, domain_id, key', unique: true });
    await createTenantIndex(db, 'links', 'external_id', {
      columns: 'tenant_id, external_id',
      unique: true,
      where: 'external_id IS NOT NULL',
    });
    // Lists by domain run in order of id, which is order of creation (UUIDv7).
    await createTenantIndex(db, 'links', 'domain_id', { columns: 'tenant_id, domain_id, id' });
    await createTenantIndex(db, 'links', 'search', {
      using: 'gin',
      columns: `tenant_id, (lower(key || ' ' || url || ' ' || coalesce(title, ''))) gin_trgm_ops`,
    });

    // Counters live apart from links: ingest writes them often and may write nothing else of a link.
    await createTenantTable(db, 'link_stats', {
      columns: `
        link_id uuid NOT NULL,
        clicks bigint NOT NULL,
        last_clicked_at timestamptz`,
      primaryKey: 'link_id',
    });
    await createTenantIndex(db, 'link_stats', 'clicks', { columns: 'tenant_id, clicks, link_id' });

    await createTenantTable(db, 'tags', {
      columns: `
        link_id uuid NOT NULL,
        name text NOT NULL`,
      primaryKey: 'name, link_id',
      constraints: [
        'CONSTRAINT tags_link_fkey FOREIGN KEY (tenant_id, link_id) REFERENCES links (tenant_id, id) ON DELETE CASCADE',
      ],
    });
    await createTenantIndex(db, 'tags', 'link', { columns: 'tenant_id, link_id' });

    // One value of this sequence leases a block of short-code numbers: see links/short-code.ts.
    await db.query(`CREATE SEQUENCE short_code_blocks MINVALUE 0 START 0`);

    await db.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON links TO waypost_app`);
    await db.query(`GRANT SELECT, INSERT, DELETE ON tags TO waypost_app`);
    await db.query(`GRANT SELECT, INSERT, DELETE ON link_stats TO waypost_app`);
    await db.query(`GRANT USAGE ON SEQUENCE short_code_blocks TO waypost_app`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP SEQUENCE short_code_blocks`);
    for (const table of ['tags', 'link_stats', 'links']) await db.query(`DROP TABLE ${table}`);
  }
}
