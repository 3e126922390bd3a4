import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Links that the platform's operators took down. For its tenant such a link is there to be read and nothing else: the
 * database lets only a transaction of operators change or delete it.
 */
export class AddTakedowns1795477210000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // NOT VALID: new rows are checked, and nobody waits while the others are read, which all have null.
    await db.query(`
      ALTER TABLE links
      ADD COLUMN takedown text,
      ADD CONSTRAINT links_takedown CHECK (takedown IN ('hidden', 'warning')) NOT VALID`);
    const allowed = `takedown IS NULL OR current_setting('app.platform', true) = 'on'`;
    await db.query(`
      CREATE POLICY takedown_updates ON links AS RESTRICTIVE FOR UPDATE TO waypost_app
      USING (${allowed}) WITH CHECK (${allowed})`);
    await db.query(`
      CREATE POLICY takedown_deletes ON links AS RESTRICTIVE FOR DELETE TO waypost_app USING (${allowed})`);
    await db.query(`GRANT SELECT (takedown) ON links TO waypost_ingest, waypost_resolver`);
    // A column can be added to a view at its end alone: versions that run meanwhile find the others as they were.
    await db.query(`
      CREATE OR REPLACE VIEW resolver_links WITH (security_invoker = true) AS ${COLUMNS}, l.takedown ${TABLES}`);
    await this.createTakedowns(db);
    await this.createSearch(db);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP FUNCTION find_link_anywhere(text, text, text, uuid)`);
    await db.query(`DROP POLICY takedown_search ON links`);
    await db.query(`DROP TABLE takedowns`);
    await db.query(`DROP VIEW resolver_links`);
    await db.query(`CREATE VIEW resolver_links WITH (security_invoker = true) AS ${COLUMNS} ${TABLES}`);
    await db.query(`GRANT SELECT ON resolver_links TO waypost_resolver`);
    await db.query(`DROP POLICY takedown_updates ON links`);
    await db.query(`DROP POLICY takedown_deletes ON links`);
    // Its grants and its constraint go with it.
    await db.query(`ALTER TABLE links DROP COLUMN takedown`);
  }

  /** The operators' own list. A tenant learns of it from its audit trail, and from the link. */
  private async createTakedowns(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE takedowns (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        link_id uuid NOT NULL,
        domain text NOT NULL,
        key text NOT NULL,
        url text NOT NULL,
        reason text NOT NULL,
        warning boolean NOT NULL,
        created_at timestamptz NOT NULL,
        lifted_at timestamptz,
        CONSTRAINT takedowns_pkey PRIMARY KEY (tenant_id, id)
      )`);
    await db.query(`CREATE INDEX takedowns_id ON takedowns (id)`);
    await db.query(`CREATE UNIQUE INDEX takedowns_in_force ON takedowns (tenant_id, link_id) WHERE lifted_at IS NULL`);
    await db.query(`ALTER TABLE takedowns ENABLE ROW LEVEL SECURITY`);
    await db.query(`ALTER TABLE takedowns FORCE ROW LEVEL SECURITY`);
    await db.query(`
      CREATE POLICY operators ON takedowns TO waypost_app
      USING (current_setting('app.platform', true) = 'on') WITH CHECK (current_setting('app.platform', true) = 'on')`);
    await db.query(`GRANT SELECT, INSERT, UPDATE (lifted_at) ON takedowns TO waypost_app`);
  }

  /** Operators know a link's address, or its id, and not whose it is. They learn that, and see no more than before. */
  private async createSearch(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE POLICY takedown_search ON links FOR SELECT TO waypost_owner
      USING (current_setting('app.takedown_search', true) = 'on')`);
    await db.query(`
      CREATE FUNCTION find_link_anywhere(host text, exact_key text, folded_key text, link uuid)
      RETURNS TABLE (owner_id uuid, link_id uuid)
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      BEGIN
        IF current_setting('app.platform', true) IS DISTINCT FROM 'on' THEN
          RAISE EXCEPTION 'Only operators may search all links' USING ERRCODE = 'insufficient_privilege';
        END IF;
        PERFORM set_config('app.loop_check', 'on', true), set_config('app.takedown_search', 'on', true);
        IF link IS NOT NULL THEN
          RETURN QUERY SELECT l.tenant_id, l.id FROM links l WHERE l.id = link;
        ELSE
          RETURN QUERY SELECT l.tenant_id, l.id FROM domains d
            JOIN links l ON l.tenant_id = d.tenant_id AND l.domain_id = d.id
             AND l.key = CASE WHEN d.case_sensitive THEN exact_key ELSE folded_key END
            WHERE d.hostname = host;
        END IF;
        PERFORM set_config('app.loop_check', '', true), set_config('app.takedown_search', '', true);
      END $$`);
    await db.query(`REVOKE EXECUTE ON FUNCTION find_link_anywhere(text, text, text, uuid) FROM PUBLIC`);
    await db.query(`GRANT EXECUTE ON FUNCTION find_link_anywhere(text, text, text, uuid) TO waypost_app`);
  }
}

const COLUMNS = `
      SELECT l.tenant_id, l.domain_id, l.key, l.id AS link_id, l.url, l.starts_at, l.expires_at, l.expired_url,
             l.max_clicks, s.clicks + s.bots AS clicks, l.redirect_status, l.forward_query, l.disabled_at,
             l.shared_max_age`;
const TABLES = `
      FROM links l
      LEFT JOIN link_stats s ON s.tenant_id = l.tenant_id AND s.link_id = l.id`;
