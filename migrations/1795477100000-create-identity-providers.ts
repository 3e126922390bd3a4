import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTenantIndex, createTenantTable } from './support/tenant-table.js';

export class CreateIdentityProviders1795477100000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await createTenantTable(db, 'identity_providers', {
      columns: `
        id uuid NOT NULL,
        name text NOT NULL,
        issuer text NOT NULL,
        audience text NOT NULL,
        role_claim text,
        role_mapping jsonb NOT NULL,
        default_role text,
        email_domains text[] NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL`,
      primaryKey: 'id',
      constraints: ['CONSTRAINT identity_providers_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id)'],
    });
    await createTenantIndex(db, 'identity_providers', 'issuer', {
      columns: 'tenant_id, issuer, audience',
      unique: true,
    });
    await createTenantIndex(db, 'identity_providers', 'audience', { columns: 'issuer, audience' });
    await db.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON identity_providers TO waypost_app`);

    // A token names no tenant, only who issued it, for whom, and about whom. The application may ask which tenants take
    // it, and learns their ids and no more, of two at most: the function runs as the owner, who sees rows in it alone.
    // Where the person is a member already, other tenants do not count: nobody else's registration can stand in the way.
    for (const table of ['identity_providers', 'members', 'tenants']) {
      await db.query(`
        CREATE POLICY token_lookup ON ${table} FOR SELECT TO waypost_owner
        USING (current_setting('app.token_lookup', true) = 'on')`);
    }
    await db.query(`
      CREATE FUNCTION tenants_of_token(
        token_issuer text, token_audiences text[], token_subject text, chosen_id uuid, chosen_slug text
      )
      RETURNS TABLE (tenant_id uuid, provider_id uuid)
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
      BEGIN
        PERFORM set_config('app.token_lookup', 'on', true);
        RETURN QUERY WITH registered AS (
          SELECT DISTINCT ON (p.tenant_id) p.tenant_id, p.id, m.id IS NOT NULL AS member
          FROM identity_providers p
          JOIN tenants t ON t.id = p.tenant_id
          LEFT JOIN members m ON m.tenant_id = p.tenant_id AND m.provider_id = p.id AND m.subject = token_subject
          WHERE p.issuer = token_issuer AND p.audience = ANY (token_audiences) AND t.deleted_at IS NULL
            AND (chosen_id IS NULL OR t.id = chosen_id) AND (chosen_slug IS NULL OR t.slug = chosen_slug)
          ORDER BY p.tenant_id, m.id IS NULL, p.id
        )
        SELECT r.tenant_id, r.id FROM registered r
        WHERE r.member = (SELECT bool_or(member) FROM registered)
        LIMIT 2;
        PERFORM set_config('app.token_lookup', '', true);
      END $$`);
    const lookup = 'tenants_of_token(text, text[], text, uuid, text)';
    await db.query(`REVOKE EXECUTE ON FUNCTION ${lookup} FROM PUBLIC`);
    await db.query(`GRANT EXECUTE ON FUNCTION ${lookup} TO waypost_app`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP FUNCTION tenants_of_token(text, text[], text, uuid, text)`);
    await db.query(`DROP POLICY token_lookup ON tenants`);
    await db.query(`DROP POLICY token_lookup ON members`);
    await db.query(`DROP TABLE identity_providers`);
  }
}
