import { Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import { ClickErasuresRecorder } from '../clicks/click-erasures.recorder.js';
import { ApiKeysRecorder } from '../identity/api-keys.recorder.js';
import type { Context, Tx } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { Cursors, type Page } from '../platform/http/pagination.js';
import { givenFields } from '../platform/http/patch.js';
import { newId, toPublicId } from '../platform/ids.js';
import { OutboxRecorder } from '../platform/outbox/outbox.recorder.js';
import type { TenantEntity } from './tenant.entity.js';
import { type CreateTenant, type ListTenants, toTenantResponse, type UpdateTenant } from './tenant.schemas.js';
import { TenantsRepository } from './tenants.repository.js';

@Injectable()
export class TenantsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly tenants: TenantsRepository,
    private readonly apiKeys: ApiKeysRecorder,
    private readonly audit: AuditRecorder,
    private readonly outbox: OutboxRecorder,
    private readonly cursors: Cursors,
    private readonly erasures: ClickErasuresRecorder,
  ) {}

  /** @returns the tenant and its first owner's API key, which nobody can read again */
  async create(ctx: Context, input: CreateTenant): Promise<[TenantEntity, string]> {
    return this.transactions.run(ctx, async (tx) => {
      const now = new Date();
      const tenant: TenantEntity = {
        ...input,
        id: newId(),
        suspendedAt: null,
        deletedAt: null,
        purgedAt: null,
        clickDetails: 'full',
        clickRetentionDays: null,
        createdAt: now,
        updatedAt: now,
      };
      await this.tenants.insert(tx, tenant);
      await this.changed(tx, ctx, 'tenant.created', undefined, tenant);
      const [, text] = await this.transactions.asTenant(tx, tenant.id, (own) =>
        this.apiKeys.issue(own, ctx, { name: 'First owner' }),
      );
      return [tenant, text];
    });
  }

  /** A new owner's key for the tenant with this slug, which is created if it is not there. */
  async keyFor(ctx: Context, input: CreateTenant): Promise<string> {
    const known = await this.transactions.run(ctx, (tx) => this.tenants.findBySlug(tx, input.slug));
    if (!known) return (await this.create(ctx, input))[1];
    return this.transactions.run(ctx, (tx) =>
      this.transactions.asTenant(
        tx,
        known.id,
        async (own) => (await this.apiKeys.issue(own, ctx, { name: 'Owner' }))[1],
      ),
    );
  }

  async list(ctx: Context, { limit, cursor }: ListTenants): Promise<Page<TenantEntity>> {
    const [afterId] = this.cursors.read(ctx, 'tenants', cursor) ?? [];
    const rows = await this.transactions.run(ctx, (tx) => this.tenants.list(tx, limit, afterId as string | undefined));
    return this.cursors.page(ctx, 'tenants', rows, limit, (tenant) => [tenant.id]);
  }

  async get(ctx: Context, id: string): Promise<TenantEntity> {
    return this.transactions.run(ctx, (tx) => this.tenants.get(tx, id));
  }

  async update(ctx: Context, id: string, { suspended, ...input }: UpdateTenant): Promise<TenantEntity> {
    return this.transactions.run(ctx, async (tx) => {
      const before = await this.tenants.lock(tx, id);
      const suspendedAt =
        suspended === undefined ? before.suspendedAt : suspended ? (before.suspendedAt ?? new Date()) : null;
      const changes = { ...givenFields(input), suspendedAt, updatedAt: new Date() };
      const after = { ...before, ...changes };
      await this.tenants.update(tx, id, changes);
      await this.changed(tx, ctx, 'tenant.updated', before, after);
      return after;
    });
  }

  /** From now on as if it were not there; the worker clears its rows away. */
  async delete(ctx: Context, id: string): Promise<void> {
    await this.transactions.run(ctx, async (tx) => {
      const before = await this.tenants.lock(tx, id);
      await this.tenants.update(tx, id, { deletedAt: new Date() });
      await this.transactions.asTenant(tx, id, (own) => this.erasures.ofTenant(own));
      await this.changed(tx, ctx, 'tenant.deleted', before, undefined);
    });
  }

  /** Deletes what a deleted tenant had, some rows a transaction: nobody else waits for it, and a crash loses little. */
  async purge(ctx: Context): Promise<void> {
    let more = true;
    while (more) more = await this.transactions.run(ctx, (tx) => this.tenants.purgeLinks(tx));
    await this.transactions.run(ctx, (tx) => this.tenants.purgeRest(tx));
  }

  /** Into the tenant's own audit trail and outbox, whoever made the change. */
  private async changed(
    tx: Tx,
    ctx: Context,
    action: `tenant.${string}`,
    before?: TenantEntity,
    after?: TenantEntity,
  ): Promise<void> {
    const { id } = (after ?? before) as TenantEntity;
    const target = toPublicId('tnt', id);
    await this.transactions.asTenant(tx, id, async (own) => {
      await this.audit.record(own, ctx, {
        action,
        target,
        ...(before && { before: toTenantResponse(before) }),
        ...(after && { after: toTenantResponse(after) }),
      });
      await this.outbox.append(own, ctx, action, { tenantId: id });
    });
  }
}
