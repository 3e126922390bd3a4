import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTenantIndex, createTenantTable } from './support/tenant-table.js';

/**
 * What makes the audit trail tell who touched it. The application records an event and notes it as pending, with a code
 * over its content; the worker, which sees no content, chains what is pending. The keys of codes and chain are in no table.
 */
export class ChainAuditEvents1795477300000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    // Unknown for events of before.
    await db.query(`
      ALTER TABLE audit_events ADD COLUMN address_prefix text, ADD COLUMN origin uuid, ADD COLUMN origin_count bigint`);
    await createTenantIndex(db, 'audit_events', 'actor', { columns: 'tenant_id, actor, id' });

    // Without a code: an event of before, which the chain adopts as it is.
    await createTenantTable(db, 'audit_pending', {
      columns: `event_id uuid NOT NULL, mac bytea`,
      primaryKey: 'event_id',
    });
    await db.query(`GRANT SELECT, INSERT ON audit_pending TO waypost_app`);
    await this.createRecorder(db);
    await db.query(`CREATE POLICY sealer_reads ON audit_pending FOR SELECT TO waypost_ingest USING (true)`);
    await db.query(`CREATE POLICY sealer_deletes ON audit_pending FOR DELETE TO waypost_ingest USING (true)`);
    await db.query(`GRANT SELECT, DELETE ON audit_pending TO waypost_ingest`);

    await createTenantTable(db, 'audit_chain', {
      columns: `
        seq bigint NOT NULL,
        event_id uuid NOT NULL,
        mac bytea NOT NULL,
        adopted boolean NOT NULL,
        hash bytea NOT NULL`,
      primaryKey: 'seq',
    });
    await createTenantIndex(db, 'audit_chain', 'event', { columns: 'tenant_id, event_id', unique: true });
    await createTenantTable(db, 'audit_checkpoints', {
      columns: `
        seq bigint NOT NULL,
        hash bytea NOT NULL,
        made_at timestamptz NOT NULL,
        signature bytea NOT NULL`,
      primaryKey: 'seq',
    });
    for (const table of ['audit_chain', 'audit_checkpoints']) {
      await db.query(`GRANT SELECT ON ${table} TO waypost_app`);
      await db.query(`CREATE POLICY sealer_reads ON ${table} FOR SELECT TO waypost_ingest USING (true)`);
      await db.query(`CREATE POLICY sealer_appends ON ${table} FOR INSERT TO waypost_ingest WITH CHECK (true)`);
      await db.query(`GRANT SELECT, INSERT ON ${table} TO waypost_ingest`);
    }
    await this.notePast(db);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP FUNCTION record_audit_event`);
    for (const table of ['audit_checkpoints', 'audit_chain', 'audit_pending']) await db.query(`DROP TABLE ${table}`);
    await db.query(`DROP INDEX audit_events_actor`);
    await db.query(`
      ALTER TABLE audit_events DROP COLUMN address_prefix, DROP COLUMN origin, DROP COLUMN origin_count`);
  }

  /**
   * An event and its note. With the rights of whoever calls it; a function, for a session plans its statements once, and
   * to plan them takes longer than to carry them out. False: something swallowed the event.
   */
  private async createRecorder(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE FUNCTION record_audit_event(
        tenant uuid, event uuid, action text, actor text, target_type text, target_id text, before jsonb, after jsonb,
        request_id text, address_prefix text, origin uuid, origin_count bigint, occurred_at timestamptz, code bytea
      ) RETURNS boolean LANGUAGE plpgsql AS $$
      #variable_conflict use_variable
      BEGIN
        INSERT INTO public.audit_events (tenant_id, id, action, actor, target_type, target_id, before, after, request_id,
                                         address_prefix, origin, origin_count, occurred_at)
        VALUES (tenant, event, action, actor, target_type, target_id, before, after, request_id,
                address_prefix, origin, origin_count, occurred_at);
        IF NOT FOUND THEN
          RETURN false;
        END IF;
        INSERT INTO public.audit_pending (tenant_id, event_id, mac) VALUES (tenant, event, code);
        RETURN FOUND;
      END $$`);
    await db.query(`REVOKE EXECUTE ON FUNCTION record_audit_event FROM PUBLIC`);
    await db.query(`GRANT EXECUTE ON FUNCTION record_audit_event TO waypost_app`);
  }

  private async notePast(db: QueryRunner): Promise<void> {
    // The owner is no exception to row-level security, except here.
    const tables = ['audit_events', 'audit_pending'];
    for (const table of tables) await db.query(`ALTER TABLE ${table} NO FORCE ROW LEVEL SECURITY`);
    await db.query(`INSERT INTO audit_pending (tenant_id, event_id) SELECT tenant_id, id FROM audit_events`);
    for (const table of tables) await db.query(`ALTER TABLE ${table} FORCE ROW LEVEL SECURITY`);
  }
}
