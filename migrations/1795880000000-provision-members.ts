import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTenantIndex } from './support/tenant-table.js';

const ROLES = `'owner', 'admin', 'editor', 'analyst', 'viewer'`;

/** What the directory of an organization (SCIM) says of a member, and how a login is recognized as somebody it has. */
export class ProvisionMembers1795880000000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await db.query(`
      ALTER TABLE members
        ADD COLUMN directory_active boolean,
        ADD COLUMN directory_role text,
        ADD COLUMN directory_user_name text,
        ADD COLUMN directory_external_id text,
        ADD COLUMN own_role text,
        ADD CONSTRAINT members_directory_role CHECK (directory_role IN (${ROLES})),
        ADD CONSTRAINT members_own_role CHECK (own_role IN (${ROLES})),
        DROP CONSTRAINT members_status,
        ADD CONSTRAINT members_status CHECK (status IN ('invited', 'active', 'deactivated'))`);
    await createTenantIndex(db, 'members', 'directory_user_name', {
      columns: 'tenant_id, directory_user_name',
      unique: true,
      where: 'directory_user_name IS NOT NULL',
    });
    await createTenantIndex(db, 'members', 'directory_external_id', {
      columns: 'tenant_id, directory_external_id',
      unique: true,
      where: 'directory_external_id IS NOT NULL',
    });
    await db.query(`ALTER TABLE identity_providers ADD COLUMN directory jsonb`);
    await this.findTenants(db, `AND m.status <> 'deactivated'`);
  }

  async down(db: QueryRunner): Promise<void> {
    await this.findTenants(db, '');
    await db.query(`ALTER TABLE identity_providers DROP COLUMN directory`);
    await db.query(`ALTER TABLE members NO FORCE ROW LEVEL SECURITY`);
    await db.query(`DELETE FROM members WHERE status = 'deactivated'`);
    await db.query(`ALTER TABLE members FORCE ROW LEVEL SECURITY`);
    await db.query(`
      ALTER TABLE members
        DROP CONSTRAINT members_status,
        ADD CONSTRAINT members_status CHECK (status IN ('invited', 'active')),
        DROP COLUMN directory_active, DROP COLUMN directory_role, DROP COLUMN directory_user_name,
        DROP COLUMN directory_external_id, DROP COLUMN own_role`);
  }

  /** As create-identity-providers made it, but that a membership counts only while it gives access. */
  private async findTenants(db: QueryRunner, counts: string): Promise<void> {
    await db.query(`
      CREATE OR REPLACE FUNCTION tenants_of_token(
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
          LEFT JOIN members m
            ON m.tenant_id = p.tenant_id AND m.provider_id = p.id AND m.subject = token_subject ${counts}
          WHERE p.issuer = token_issuer AND p.audience = ANY (token_audiences) AND t.deleted_at IS NULL
            AND (chosen_id IS NULL OR t.id = chosen_id) AND (chosen_slug IS NULL OR t.slug = chosen_slug)
          ORDER BY p.tenant_id, m.id IS NULL, p.id
        )
        SELECT r.tenant_id, r.id FROM registered r
        WHERE r.member = (SELECT bool_or(member) FROM registered)
        LIMIT 2;
        PERFORM set_config('app.token_lookup', '', true);
      END $$`);
  }
}
