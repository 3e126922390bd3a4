import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Programs are counted apart, and yet use up a link's `maxClicks`, as they always did: what may be followed once must
 * not be open to every program.
 */
export class CountProgramsTowardsMaxClicks1795476400000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`GRANT SELECT (bots) ON link_stats TO waypost_resolver`);
    await db.query(view('s.clicks + s.bots AS clicks'));
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(view('s.clicks'));
    await db.query(`REVOKE SELECT (bots) ON link_stats FROM waypost_resolver`);
  }
}

const view = (clicks: string): string => `
      CREATE OR REPLACE VIEW resolver_links WITH (security_invoker = true) AS
      SELECT l.tenant_id, l.domain_id, l.key, l.id AS link_id, l.url, l.starts_at, l.expires_at, l.expired_url,
             l.max_clicks, ${clicks}, l.redirect_status, l.forward_query, l.disabled_at, l.shared_max_age
      FROM links l
      LEFT JOIN link_stats s ON s.tenant_id = l.tenant_id AND s.link_id = l.id`;
