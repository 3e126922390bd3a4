import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTenantIndex, createTenantTable } from './support/tenant-table.js';

/** The people of a tenant: what each may do, and which person of which identity provider each one is. */
export class CreateMembers1795477000000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await createTenantTable(db, 'members', {
      columns: `
        id uuid NOT NULL,
        name text,
        email text,
        role text NOT NULL,
        status text NOT NULL,
        provider_id uuid,
        subject text,
        restricted_domains uuid[],
        restricted_tags text[],
        last_seen_at timestamptz,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL`,
      primaryKey: 'id',
      constraints: [
        'CONSTRAINT members_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id)',
        `CONSTRAINT members_role CHECK (role IN ('owner', 'admin', 'editor', 'analyst', 'viewer'))`,
        `CONSTRAINT members_status CHECK (status IN ('invited', 'active'))`,
        // In one case, so that the unique index knows an address however it is written.
        'CONSTRAINT members_email_case CHECK (email = lower(email))',
        'CONSTRAINT members_whole_identity CHECK ((provider_id IS NULL) = (subject IS NULL))',
        `CONSTRAINT members_restrictions CHECK (role = 'editor' OR (restricted_domains IS NULL AND restricted_tags IS NULL))`,
      ],
    });
    await createTenantIndex(db, 'members', 'email', {
      columns: 'tenant_id, email',
      unique: true,
      where: 'email IS NOT NULL',
    });
    await createTenantIndex(db, 'members', 'identity', {
      columns: 'tenant_id, provider_id, subject',
      unique: true,
      where: 'provider_id IS NOT NULL',
    });
    await db.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON members TO waypost_app`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE members`);
  }
}
