import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolateByTenant } from './support/tenant-table.js';

/** The two small reference tables: who there is, and which hostname belongs to whom. */
export class CreateTenantsAndDomains1763900000000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      CREATE TABLE tenants (
        id uuid NOT NULL,
        name text NOT NULL,
        slug text NOT NULL,
        suspended_at timestamptz,
        deleted_at timestamptz,
        purged_at timestamptz,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        CONSTRAINT tenants_pkey PRIMARY KEY (id)
      )`);
    await db.query(`CREATE UNIQUE INDEX tenants_slug ON tenants (slug) WHERE deleted_at IS NULL`);
    await db.query(`ALTER TABLE tenants ENABLE ROW LEVEL SECURITY`);
    await db.query(`ALTER TABLE tenants FORCE ROW LEVEL SECURITY`);
    // A tenant sees itself; the platform's operators, who say so in their transaction, see all.
    const visible = `id = nullif(current_setting('app.tenant_id', true), '')::uuid
                     OR current_setting('app.platform', true) = 'on'`;
    await db.query(`CREATE POLICY own_tenant ON tenants USING (${visible}) WITH CHECK (${visible})`);

    await db.query(`
      CREATE TABLE domains (
        tenant_id uuid NOT NULL,
        id uuid NOT NULL,
        hostname text NOT NULL,
        is_primary boolean NOT NULL,
        case_sensitive boolean NOT NULL,
        code_length smallint NOT NULL,
        root_url text,
        not_found_url text,
        expired_url text,
        verification_token text NOT NULL,
        verified_at timestamptz,
        checked_at timestamptz,
        check_error text,
        failing_since timestamptz,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL,
        CONSTRAINT domains_pkey PRIMARY KEY (tenant_id, id),
        CONSTRAINT domains_hostname UNIQUE (hostname),
        CONSTRAINT domains_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id),
        CONSTRAINT domains_code_length CHECK (code_length BETWEEN 6 AND 12)
      )`);
    await db.query(`CREATE UNIQUE INDEX domains_primary ON domains (tenant_id) WHERE is_primary`);
    await db.query(`CREATE INDEX domains_checked_at ON domains (checked_at NULLS FIRST)`);
    await isolateByTenant(db, 'domains');

    // A short link must not lead to a short link, of whichever tenant. The application may ask whether a hostname is
    // one, and learns no more than that: the function runs as the owner, who sees domains in this function alone.
    await db.query(`
      CREATE POLICY loop_check ON domains FOR SELECT TO waypost_owner
      USING (current_setting('app.loop_check', true) = 'on')`);
    await db.query(`
      CREATE FUNCTION is_short_domain(host text) RETURNS boolean
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      DECLARE
        known boolean;
      BEGIN
        PERFORM set_config('app.loop_check', 'on', true);
        SELECT EXISTS (SELECT FROM domains WHERE hostname = host) INTO known;
        PERFORM set_config('app.loop_check', '', true);
        RETURN known;
      END $$`);
    await db.query(`REVOKE EXECUTE ON FUNCTION is_short_domain(text) FROM PUBLIC`);

    await db.query(`GRANT EXECUTE ON FUNCTION is_short_domain(text) TO waypost_app`);
    await db.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON tenants, domains TO waypost_app`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP FUNCTION is_short_domain(text)`);
    await db.query(`DROP TABLE domains`);
    await db.query(`DROP TABLE tenants`);
  }
}
