import type { MigrationInterface, QueryRunner } from 'typeorm';
import { createTenantIndex, createTenantTable, isolateByTenant } from './support/tenant-table.js';

const TENANT = (table: string): string =>
  `CONSTRAINT ${table}_tenant_fkey FOREIGN KEY (tenant_id) REFERENCES tenants (id)`;

/** People and groups as the organization's directory has pushed them, and which role which group gives. */
export class CreateScimResources1795880010000 implements MigrationInterface {
  async up(db: QueryRunner): Promise<void> {
    await createTenantTable(db, 'scim_users', {
      columns: `
        id uuid NOT NULL,
        user_name text NOT NULL,
        external_id text,
        active boolean NOT NULL,
        attributes jsonb NOT NULL,
        version integer NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL`,
      primaryKey: 'id',
      constraints: [TENANT('scim_users')],
    });
    await createTenantTable(db, 'scim_groups', {
      columns: `
        id uuid NOT NULL,
        display_name text NOT NULL,
        external_id text,
        version integer NOT NULL,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL`,
      primaryKey: 'id',
      constraints: [TENANT('scim_groups')],
    });
    for (const [table, name] of [
      ['scim_users', 'user_name'],
      ['scim_groups', 'display_name'],
    ] as const) {
      // prettier-ignore
      // Names are the same in any case (RFC 7643, caseExact false).
      await createTenantIndex(db, table, name, { columns: `tenant_id, lower(${name})`, unique: true });
      await createTenantIndex(db, table, 'external_id', {
        columns: 'tenant_id, external_id',
        unique: true,
        where: 'external_id IS NOT NULL',
      });
    }
    await createTenantTable(db, 'scim_group_members', {
      columns: `
        group_id uuid NOT NULL,
        user_id uuid NOT NULL`,
      primaryKey: 'group_id, user_id',
      constraints: [
        `CONSTRAINT scim_group_members_group_fkey FOREIGN KEY (tenant_id, group_id)
           REFERENCES scim_groups (tenant_id, id) ON DELETE CASCADE`,
        `CONSTRAINT scim_group_members_user_fkey FOREIGN KEY (tenant_id, user_id)
           REFERENCES scim_users (tenant_id, id) ON DELETE CASCADE`,
      ],
    });
    await createTenantIndex(db, 'scim_group_members', 'user', { columns: 'tenant_id, user_id' });

    await db.query(`
      CREATE TABLE scim_settings (
        tenant_id uuid NOT NULL,
        group_roles jsonb NOT NULL,
        default_role text,
        updated_at timestamptz NOT NULL,
        CONSTRAINT scim_settings_pkey PRIMARY KEY (tenant_id),
        ${TENANT('scim_settings')}
      )`);
    await isolateByTenant(db, 'scim_settings');

    await db.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON scim_users, scim_groups, scim_settings TO waypost_app`);
    await db.query(`GRANT SELECT, INSERT, DELETE ON scim_group_members TO waypost_app`);
  }

  async down(db: QueryRunner): Promise<void> {
    await db.query(`DROP TABLE scim_settings, scim_group_members, scim_groups, scim_users`);
  }
}
