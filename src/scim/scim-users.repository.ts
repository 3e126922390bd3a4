import { Injectable } from '@nestjs/common';
import type { Tx } from '../platform/context/context.js';
import { isUniqueViolation } from '../platform/database/database-errors.js';
import type { Columns, Condition } from './filter-sql.js';
import { ScimUserEntity } from './scim-user.entity.js';
import { directoryIdTaken, userNameTaken, userNotFound } from './scim.errors.js';

export type UserChanges = Partial<Omit<ScimUserEntity, 'tenantId' | 'id' | 'createdAt'>>;

const ROW = `
  u.tenant_id AS "tenantId", u.id, u.user_name AS "userName", u.external_id AS "externalId", u.active, u.attributes,
  u.version, u.created_at AS "createdAt", u.updated_at AS "updatedAt"`;

/** Where filters find the attributes of users. */
export const USER_COLUMNS: Columns = {
  columns: {
    id: 'u.id',
    username: 'u.user_name',
    externalid: 'u.external_id',
    active: 'u.active',
    'meta.created': 'u.created_at',
    'meta.lastmodified': 'u.updated_at',
  },
  document: 'u.attributes',
  rows: {
    groups: {
      from: `FROM scim_group_members m JOIN scim_groups g ON g.tenant_id = m.tenant_id AND g.id = m.group_id
             WHERE m.tenant_id = $1 AND m.user_id = u.id`,
      columns: { value: 'm.group_id', display: 'g.display_name' },
    },
  },
};

@Injectable()
export class ScimUsersRepository {
  async insert(tx: Tx, user: ScimUserEntity): Promise<void> {
    // TypeORM's type of a jsonb column knows no free form.
    await unlessTaken(tx.manager.insert(ScimUserEntity, { ...user, attributes: user.attributes as object }));
  }

  async get(tx: Tx, id: string): Promise<ScimUserEntity> {
    const user = await tx.manager.findOneBy(ScimUserEntity, { tenantId: tx.tenantId, id });
    if (!user) throw userNotFound();
    return user;
  }

  /** Those of these ids that are there. */
  async byIds(tx: Tx, ids: readonly string[]): Promise<ScimUserEntity[]> {
    if (ids.length === 0) return [];
    return (await tx.manager.query(
      `SELECT ${ROW} FROM scim_users u WHERE u.tenant_id = $1 AND u.id = ANY ($2::uuid[]) ORDER BY u.id`,
      [tx.tenantId, ids],
    )) as ScimUserEntity[];
  }

  async all(tx: Tx): Promise<ScimUserEntity[]> {
    return (await tx.manager.query(`SELECT ${ROW} FROM scim_users u WHERE u.tenant_id = $1`, [
      tx.tenantId,
    ])) as ScimUserEntity[];
  }

  /** In order of creation. @param condition with parameters from `$4` on */
  async list(tx: Tx, { sql, parameters }: Condition, limit: number, offset: number): Promise<ScimUserEntity[]> {
    return (await tx.manager.query(
      `SELECT ${ROW} FROM scim_users u WHERE u.tenant_id = $1 AND (${sql}) ORDER BY u.id LIMIT $2 OFFSET $3`,
      [tx.tenantId, limit, offset, ...parameters],
    )) as ScimUserEntity[];
  }

  /** @param condition with parameters from `$2` on */
  async count(tx: Tx, { sql, parameters }: Condition): Promise<number> {
    const [row] = (await tx.manager.query(
      `SELECT count(*)::int AS count FROM scim_users u WHERE u.tenant_id = $1 AND (${sql})`,
      [tx.tenantId, ...parameters],
    )) as [{ count: number }];
    return row.count;
  }

  async update(tx: Tx, id: string, changes: UserChanges): Promise<void> {
    await unlessTaken(tx.manager.update(ScimUserEntity, { tenantId: tx.tenantId, id }, changes as object));
  }

  /** A user shows its groups: a change of these is one of its own. */
  async touch(tx: Tx, ids: readonly string[], now: Date): Promise<void> {
    if (ids.length === 0) return;
    await tx.manager.query(
      'UPDATE scim_users SET version = version + 1, updated_at = $3 WHERE tenant_id = $1 AND id = ANY ($2::uuid[])',
      [tx.tenantId, ids, now],
    );
  }

  async delete(tx: Tx, id: string): Promise<void> {
    await tx.manager.delete(ScimUserEntity, { tenantId: tx.tenantId, id });
  }
}

async function unlessTaken(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (isUniqueViolation(error, 'scim_users_user_name')) throw userNameTaken();
    throw isUniqueViolation(error, 'scim_users_external_id') ? directoryIdTaken() : error;
  }
}
