import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * A proxy that gets certificates on demand asks whether visitors are served on a hostname, whoever's it is. The answer is
 * the redirect listener's own: its view, read as the owner, who sees domains in this function alone.
 */
export class AnswerTlsProxies1795880200000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE FUNCTION is_served_domain(host text) RETURNS boolean
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      DECLARE
        served boolean;
      BEGIN
        IF current_setting('app.platform', true) IS DISTINCT FROM 'on' THEN
          RAISE EXCEPTION 'Only operators may ask whose visitors are served' USING ERRCODE = 'insufficient_privilege';
        END IF;
        PERFORM set_config('app.loop_check', 'on', true);
        SELECT EXISTS (SELECT FROM resolver_domains WHERE hostname = host) INTO served;
        PERFORM set_config('app.loop_check', '', true);
        RETURN served;
      END $$`);
    await db.query(`REVOKE EXECUTE ON FUNCTION is_served_domain(text) FROM PUBLIC`);
    await db.query(`GRANT EXECUTE ON FUNCTION is_served_domain(text) TO waypost_app`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP FUNCTION is_served_domain(text)`);
  }
}
