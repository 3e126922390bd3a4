import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * All that the redirect role may read. The views run with the rights of whoever asks (security_invoker), and
 * waypost_resolver has rights to just the columns they show.
 */
export class CreateResolverViews1763900700000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE VIEW resolver_domains WITH (security_invoker = true) AS
      SELECT d.hostname, d.tenant_id, d.id AS domain_id, d.case_sensitive, d.root_url, d.not_found_url, d.expired_url
      FROM domains d
      JOIN tenants t ON t.id = d.tenant_id
      WHERE d.verified_at IS NOT NULL AND t.suspended_at IS NULL AND t.deleted_at IS NULL`);
    await db.query(`
      CREATE VIEW resolver_links WITH (security_invoker = true) AS
      SELECT l.tenant_id, l.domain_id, l.key, l.id AS link_id, l.url, l.starts_at, l.expires_at, l.expired_url,
             l.max_clicks, s.clicks, l.redirect_status, l.forward_query, l.disabled_at
      FROM links l
      LEFT JOIN link_stats s ON s.tenant_id = l.tenant_id AND s.link_id = l.id`);

    await db.query(`GRANT SELECT (id, suspended_at, deleted_at) ON tenants TO waypost_resolver`);
    await db.query(`
      GRANT SELECT (hostname, tenant_id, id, case_sensitive, root_url, not_found_url, expired_url, verified_at)
      ON domains TO waypost_resolver`);
    await db.query(`
      GRANT SELECT (tenant_id, domain_id, key, id, url, starts_at, expires_at, expired_url, max_clicks,
                    redirect_status, forward_query, disabled_at)
      ON links TO waypost_resolver`);
    await db.query(`GRANT SELECT (tenant_id, link_id, clicks) ON link_stats TO waypost_resolver`);
    for (const table of ['tenants', 'domains', 'links', 'link_stats']) {
      await db.query(`CREATE POLICY resolver_reads ON ${table} FOR SELECT TO waypost_resolver USING (true)`);
    }
    await db.query(`GRANT SELECT ON resolver_domains, resolver_links TO waypost_resolver`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP VIEW resolver_links`);
    await db.query(`DROP VIEW resolver_domains`);
    for (const table of ['tenants', 'domains', 'links', 'link_stats']) {
      await db.query(`DROP POLICY resolver_reads ON ${table}`);
      await db.query(`REVOKE ALL ON ${table} FROM waypost_resolver`);
    }
  }
}
