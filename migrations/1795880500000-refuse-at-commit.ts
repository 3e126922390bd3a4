import type { MigrationInterface, QueryRunner } from 'typeorm';

const RECORDER = `record_audit_event(
  tenant uuid, event uuid, action text, actor text, target_type text, target_id text, before jsonb, after jsonb,
  request_id text, address_prefix text, origin uuid, origin_count bigint, occurred_at timestamptz, code bytea)`;
const COUNTER = 'count_links(tenant uuid, this_month date, taken integer, platform_limit integer)';

/** The last writes of a transaction travel with its COMMIT: what must not be committed has to be an error by then. */
export class RefuseAtCommit1795880500000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // WP402 is ours: SQLSTATEs of classes from I on are left to applications.
    await db.query(`
      CREATE FUNCTION ${COUNTER} RETURNS void LANGUAGE plpgsql AS $$
      DECLARE
        counted record;
      BEGIN
        SELECT * INTO counted FROM public.take_links(tenant, this_month, taken, platform_limit);
        IF counted.used > counted.most THEN
          RAISE EXCEPTION 'quota_exceeded' USING
            ERRCODE = 'WP402', DETAIL = jsonb_build_object('limit', counted.most, 'used', counted.used - taken)::text;
        END IF;
      END $$`);
    await db.query(`REVOKE EXECUTE ON FUNCTION count_links FROM PUBLIC`);
    await db.query(`GRANT EXECUTE ON FUNCTION count_links TO waypost_app`);
    await this.replaceRecorder(db, `RAISE EXCEPTION 'The audit trail did not take an event'`);
  }

  async down(db: QueryRunner): Promise<void> {
    await this.replaceRecorder(db, 'RETURN false');
    await db.query(`DROP FUNCTION count_links`);
  }

  /** @param lost what is done when something swallowed the event, or its note */
  private async replaceRecorder(db: QueryRunner, lost: string): Promise<void> {
    await db.query(`
      CREATE OR REPLACE FUNCTION ${RECORDER}
      RETURNS boolean LANGUAGE plpgsql AS $$
      #variable_conflict use_variable
      BEGIN
        INSERT INTO public.audit_events (tenant_id, id, action, actor, target_type, target_id, before, after, request_id,
                                         address_prefix, origin, origin_count, occurred_at)
        VALUES (tenant, event, action, actor, target_type, target_id, before, after, request_id,
                address_prefix, origin, origin_count, occurred_at);
        IF NOT FOUND THEN
          ${lost};
        END IF;
        INSERT INTO public.audit_pending (tenant_id, event_id, mac) VALUES (tenant, event, code);
        IF NOT FOUND THEN
          ${lost};
        END IF;
        RETURN true;
      END $$`);
  }
}
