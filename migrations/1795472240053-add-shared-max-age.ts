import type { MigrationInterface, QueryRunner } from 'typeorm';

/** For how many seconds shared caches may keep a link's redirect; null, as for all there are: not at all. */
export class AddSharedMaxAge1795472240053 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // NOT VALID: new rows are checked, and nobody waits while the others are read, which all have null.
    await db.query(`
      ALTER TABLE links
      ADD COLUMN shared_max_age integer,
      ADD CONSTRAINT links_shared_max_age CHECK (shared_max_age BETWEEN 1 AND 86400) NOT VALID`);
    await db.query(`GRANT SELECT (shared_max_age) ON links TO waypost_resolver`);
    // A column can be added to a view at its end alone: versions that run meanwhile find the others as they were.
    await db.query(`
      CREATE OR REPLACE VIEW resolver_links WITH (security_invoker = true) AS
      ${COLUMNS}, l.shared_max_age
      ${TABLES}`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP VIEW resolver_links`);
    await db.query(`CREATE VIEW resolver_links WITH (security_invoker = true) AS ${COLUMNS} ${TABLES}`);
    await db.query(`GRANT SELECT ON resolver_links TO waypost_resolver`);
    // Its grant and its constraint go with it.
    await db.query(`ALTER TABLE links DROP COLUMN shared_max_age`);
  }
}

const COLUMNS = `
      SELECT l.tenant_id, l.domain_id, l.key, l.id AS link_id, l.url, l.starts_at, l.expires_at, l.expired_url,
             l.max_clicks, s.clicks, l.redirect_status, l.forward_query, l.disabled_at`;
const TABLES = `
      FROM links l
      LEFT JOIN link_stats s ON s.tenant_id = l.tenant_id AND s.link_id = l.id`;
