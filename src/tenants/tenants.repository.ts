import { Injectable } from '@nestjs/common';
import { IsNull, MoreThan } from 'typeorm';
import { isUniqueViolation } from '../platform/database/database-errors.js';
import type { Tx } from '../platform/context/context.js';
import { TenantEntity } from './tenant.entity.js';
import { slugTaken, tenantNotFound } from './tenant.errors.js';

const PURGED_AT_ONCE = 1_000;

/** Row-level security shows a tenant itself alone, and the platform's operators all. */
@Injectable()
export class TenantsRepository {
  async insert(tx: Tx, tenant: TenantEntity): Promise<void> {
    try {
      await tx.manager.insert(TenantEntity, tenant);
    } catch (error) {
      throw isUniqueViolation(error, 'tenants_slug') ? slugTaken(tenant.slug) : error;
    }
  }

  async get(tx: Tx, id: string): Promise<TenantEntity> {
    const tenant = await tx.manager.findOneBy(TenantEntity, { id, deletedAt: IsNull() });
    if (!tenant) throw tenantNotFound();
    return tenant;
  }

  /** Reads a tenant and holds it until the transaction ends. */
  async lock(tx: Tx, id: string): Promise<TenantEntity> {
    const tenant = await tx.manager.findOne(TenantEntity, {
      where: { id, deletedAt: IsNull() },
      lock: { mode: 'pessimistic_write' },
    });
    if (!tenant) throw tenantNotFound();
    return tenant;
  }

  findBySlug(tx: Tx, slug: string): Promise<TenantEntity | null> {
    return tx.manager.findOneBy(TenantEntity, { slug, deletedAt: IsNull() });
  }

  list(tx: Tx, limit: number, afterId: string | undefined): Promise<TenantEntity[]> {
    return tx.manager.find(TenantEntity, {
      where: { deletedAt: IsNull(), ...(afterId && { id: MoreThan(afterId) }) },
      order: { id: 'ASC' },
      take: limit + 1,
    });
  }

  async update(tx: Tx, id: string, changes: Partial<TenantEntity>): Promise<void> {
    try {
      await tx.manager.update(TenantEntity, { id }, changes);
    } catch (error) {
      throw isUniqueViolation(error, 'tenants_slug') ? slugTaken(changes.slug ?? '') : error;
    }
  }

  /** Deletes some of a deleted tenant's links. @returns whether there may be more */
  async purgeLinks(tx: Tx): Promise<boolean> {
    const [{ deleted }] = (await tx.manager.query(
      `WITH gone AS (
         DELETE FROM links
         WHERE tenant_id = $1 AND id IN (SELECT id FROM links WHERE tenant_id = $1 LIMIT ${PURGED_AT_ONCE})
         RETURNING id
       ), stats AS (
         DELETE FROM link_stats WHERE tenant_id = $1 AND link_id IN (SELECT id FROM gone)
       )
       SELECT count(*)::int AS deleted FROM gone`,
      [tx.tenantId],
    )) as [{ deleted: number }];
    return deleted === PURGED_AT_ONCE;
  }

  /** Frees a deleted tenant's hostnames, ends its keys and memberships, and notes that nothing is left to do. */
  async purgeRest(tx: Tx): Promise<void> {
    for (const table of [
      'api_keys',
      'scim_group_members',
      'scim_groups',
      'scim_users',
      'scim_settings',
      'members',
      'identity_providers',
      'removed_identities',
      'idempotency_records',
      'link_usage',
      'domains',
    ]) {
      await tx.manager.query(`DELETE FROM ${table} WHERE tenant_id = $1`, [tx.tenantId]);
    }
    await tx.manager.update(TenantEntity, { id: tx.tenantId }, { purgedAt: new Date() });
  }
}
