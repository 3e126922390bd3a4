import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Links that are asked for at the same time are looked up by one statement. */
export class ShowLinksOfAGroup1795880900000 implements MigrationInterface {
  /** `shown_link` stays for processes of the version before. */
  async up(db: QueryRunner): Promise<void> {
    // A generic plan finds the partition when it begins. PostgreSQL by itself would rather plan anew each time, for it
    // reckons with all partitions.
    await db.query(`
      CREATE FUNCTION shown_links(tenant uuid, ids uuid[])
      RETURNS TABLE (link public.links, hostname text, clicks bigint, visitors bigint, last_clicked_at timestamptz,
        tags text[])
      LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
      #variable_conflict use_column
      BEGIN
        RETURN QUERY
          SELECT l, d.hostname, s.clicks, s.visitors, s.last_clicked_at,
                 ARRAY(SELECT t.name FROM public.tags t WHERE t.tenant_id = tenant AND t.link_id = l.id ORDER BY t.name)
          FROM public.links l
          JOIN public.domains d ON d.tenant_id = tenant AND d.id = l.domain_id
          LEFT JOIN public.link_stats s ON s.tenant_id = tenant AND s.link_id = l.id
          WHERE l.tenant_id = tenant AND l.id = ANY (ids);
      END $$`);
    await db.query('REVOKE EXECUTE ON FUNCTION shown_links FROM PUBLIC');
    await db.query('GRANT EXECUTE ON FUNCTION shown_links TO waypost_app');
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query('DROP FUNCTION shown_links');
  }
}
