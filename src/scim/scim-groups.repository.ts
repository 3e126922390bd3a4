import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';
import { isUniqueViolation } from '../platform/database/database-errors.js';
import type { Columns, Condition } from './filter-sql.js';
import { ScimGroupEntity } from './scim-group.entity.js';
import type { Membership } from './scim-resources.js';
import { directoryIdTaken, groupNameTaken, groupNotFound } from './scim.errors.js';

export type GroupChanges = Partial<Omit<ScimGroupEntity, 'tenantId' | 'id' | 'createdAt'>>;

const ROW = `
  g.tenant_id AS "tenantId", g.id, g.display_name AS "displayName", g.external_id AS "externalId", g.version,
  g.created_at AS "createdAt", g.updated_at AS "updatedAt"`;

/** Where filters find the attributes of groups. */
export const GROUP_COLUMNS: Columns = {
  columns: {
    id: 'g.id',
    displayname: 'g.display_name',
    externalid: 'g.external_id',
    'meta.created': 'g.created_at',
    'meta.lastmodified': 'g.updated_at',
  },
  rows: {
    members: {
      from: 'FROM scim_group_members m WHERE m.tenant_id = $1 AND m.group_id = g.id',
      columns: { value: 'm.user_id' },
    },
  },
};

/** How a user is shown within a group. */
const DISPLAY = `coalesce(u.attributes->>'displayName', u.user_name)`;

@Injectable()
export class ScimGroupsRepository {
  async insert(tx: Tx, group: ScimGroupEntity): Promise<void> {
    await unlessTaken(tx.manager.insert(ScimGroupEntity, group));
  }

  async get(tx: Tx, id: string): Promise<ScimGroupEntity> {
    const group = await tx.manager.findOneBy(ScimGroupEntity, { tenantId: tx.tenantId, id });
    if (!group) throw groupNotFound();
    return group;
  }

  /** In order of creation, with how many are in each. @param condition with parameters from `$4` on */
  async list(
    tx: Tx,
    { sql, parameters }: Condition,
    limit: number,
    offset: number,
  ): Promise<Array<ScimGroupEntity & { size: number }>> {
    return (await tx.manager.query(
      `SELECT ${ROW}, (SELECT count(*)::int FROM scim_group_members s
                       WHERE s.tenant_id = $1 AND s.group_id = g.id) AS size
       FROM scim_groups g WHERE g.tenant_id = $1 AND (${sql}) ORDER BY g.id LIMIT $2 OFFSET $3`,
      [tx.tenantId, limit, offset, ...parameters],
    )) as Array<ScimGroupEntity & { size: number }>;
  }

  /** @param condition with parameters from `$2` on */
  async count(tx: Tx, { sql, parameters }: Condition): Promise<number> {
    const [row] = (await tx.manager.query(
      `SELECT count(*)::int AS count FROM scim_groups g WHERE g.tenant_id = $1 AND (${sql})`,
      [tx.tenantId, ...parameters],
    )) as [{ count: number }];
    return row.count;
  }

  async update(tx: Tx, id: string, changes: GroupChanges): Promise<void> {
    await unlessTaken(tx.manager.update(ScimGroupEntity, { tenantId: tx.tenantId, id }, changes));
  }

  async touch(tx: Tx, ids: readonly string[], now: Date): Promise<void> {
    if (ids.length === 0) return;
    await tx.manager.query(
      'UPDATE scim_groups SET version = version + 1, updated_at = $3 WHERE tenant_id = $1 AND id = ANY ($2::uuid[])',
      [tx.tenantId, ids, now],
    );
  }

  async delete(tx: Tx, id: string): Promise<void> {
    await tx.manager.delete(ScimGroupEntity, { tenantId: tx.tenantId, id });
  }

  /** Who is in these groups, by name of the user. */
  async membersOf(tx: Tx, groupIds: readonly string[]): Promise<Membership[]> {
    if (groupIds.length === 0) return [];
    return (await tx.manager.query(
      `SELECT m.group_id AS "groupId", m.user_id AS "userId", ${DISPLAY} AS display
       FROM scim_group_members m JOIN scim_users u ON u.tenant_id = m.tenant_id AND u.id = m.user_id
       WHERE m.tenant_id = $1 AND m.group_id = ANY ($2::uuid[]) ORDER BY m.group_id, m.user_id`,
      [tx.tenantId, groupIds],
    )) as Membership[];
  }

  /** What groups these users are in, by name of the group. */
  async groupsOf(tx: Tx, userIds: readonly string[]): Promise<Membership[]> {
    if (userIds.length === 0) return [];
    return (await tx.manager.query(
      `SELECT m.group_id AS "groupId", m.user_id AS "userId", g.display_name AS display
       FROM scim_group_members m JOIN scim_groups g ON g.tenant_id = m.tenant_id AND g.id = m.group_id
       WHERE m.tenant_id = $1 AND m.user_id = ANY ($2::uuid[]) ORDER BY m.user_id, m.group_id`,
      [tx.tenantId, userIds],
    )) as Membership[];
  }

  async addMembers(tx: Tx, groupId: string, userIds: readonly string[]): Promise<void> {
    if (userIds.length === 0) return;
    await tx.manager.query(
      `INSERT INTO scim_group_members (tenant_id, group_id, user_id)
       SELECT $1::uuid, $2::uuid, unnest($3::uuid[]) ON CONFLICT DO NOTHING`,
      [tx.tenantId, groupId, userIds],
    );
  }

  async removeMembers(tx: Tx, groupId: string, userIds: readonly string[]): Promise<void> {
    if (userIds.length === 0) return;
    await tx.manager.query(
      'DELETE FROM scim_group_members WHERE tenant_id = $1 AND group_id = $2 AND user_id = ANY ($3::uuid[])',
      [tx.tenantId, groupId, userIds],
    );
  }
}

async function unlessTaken(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (isUniqueViolation(error, 'scim_groups_display_name')) throw groupNameTaken();
    throw isUniqueViolation(error, 'scim_groups_external_id') ? directoryIdTaken() : error;
  }
}
