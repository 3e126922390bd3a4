import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';
import { type GroupRoles, NO_ROLES } from './group-roles.js';

@Injectable()
export class ScimSettingsRepository {
  /**
   * One change of a directory at a time: of two that each put the same person into a group, the second has to see what
   * the first did, or the person would end up with the role of one.
   */
  async lock(tx: Tx): Promise<void> {
    await tx.manager.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`scim\n${tx.tenantId}`]);
  }

  async get(tx: Tx): Promise<GroupRoles> {
    const [row] = (await tx.manager.query(
      'SELECT group_roles AS "groupRoles", default_role AS "defaultRole" FROM scim_settings WHERE tenant_id = $1',
      [tx.tenantId],
    )) as GroupRoles[];
    return row ?? NO_ROLES;
  }

  async put(tx: Tx, { groupRoles, defaultRole }: GroupRoles): Promise<void> {
    await tx.manager.query(
      `INSERT INTO scim_settings (tenant_id, group_roles, default_role, updated_at) VALUES ($1, $2, $3, now())
       ON CONFLICT (tenant_id) DO UPDATE
       SET group_roles = excluded.group_roles, default_role = excluded.default_role, updated_at = excluded.updated_at`,
      [tx.tenantId, JSON.stringify(groupRoles), defaultRole],
    );
  }
}
