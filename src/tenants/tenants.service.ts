import { Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import { ClickErasuresRecorder } from '../clicks/click-erasures.recorder.js';
import { DomainsReader } from '../domains/domains.reader.js';
import { ApiKeysRecorder } from '../identity/api-keys.recorder.js';
import { MembersReader } from '../identity/members.reader.js';
import type { Context, Tx } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { Cursors, type Page } from '../platform/http/pagination.js';
import { givenFields } from '../platform/http/patch.js';
import { newId, toPublicId } from '../platform/ids.js';
import { OutboxRecorder } from '../platform/outbox/outbox.recorder.js';
import { tenantsCreated } from '../platform/telemetry/metrics.js';
import { type PlanLimits, PlansReader } from '../plans/plans.reader.js';
import type { TenantEntity } from './tenant.entity.js';
import { tenantNotFound } from './tenant.errors.js';
import {
  type CreateTenant,
  limitsOf,
  type ListTenants,
  toTenantResponse,
  type UpdateTenant,
} from './tenant.schemas.js';
import { TenantsRepository } from './tenants.repository.js';

export interface OwnTenant {
  tenant: TenantEntity;
  limits: PlanLimits;
  usage: { links: number; linksResetAt: string; domains: number; members: number };
}

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
    private readonly plans: PlansReader,
    private readonly domains: DomainsReader,
    private readonly members: MembersReader,
  ) {}

  /** @returns the tenant and its first owner's API key, which nobody can read again */
  async create(ctx: Context, { limits, ...input }: CreateTenant): Promise<[TenantEntity, string]> {
    return this.transactions.run(ctx, async (tx) => {
      const now = new Date();
      const tenant: TenantEntity = {
        ...input,
        id: newId(),
        ...UNLIMITED,
        ...columnsOf(limits),
        suspendedAt: null,
        redirectsWhileSuspended: false,
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
      tx.afterCommit?.push(() => tenantsCreated.inc());
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

  async getBySlug(ctx: Context, slug: string): Promise<TenantEntity> {
    const tenant = await this.transactions.run(ctx, (tx) => this.tenants.findBySlug(tx, slug));
    if (!tenant) throw tenantNotFound();
    return tenant;
  }

  /** The tenant of the context, with the limits in force and what it uses of them. */
  async getOwn(ctx: Context): Promise<OwnTenant> {
    return this.transactions.run(ctx, async (tx) => {
      const tenant = await this.tenants.get(tx, ctx.tenantId);
      const { links, resetsAt } = await this.plans.linksUsed(tx);
      const [domains, members] = [await this.domains.count(tx), await this.members.count(tx)];
      const usage = { links, linksResetAt: resetsAt.toISOString(), domains, members };
      return { tenant, limits: this.plans.limits(limitsOf(tenant)), usage };
    });
  }

  async update(ctx: Context, id: string, { suspended, limits = {}, ...input }: UpdateTenant): Promise<TenantEntity> {
    return this.transactions.run(ctx, async (tx) => {
      const before = await this.tenants.lock(tx, id);
      const suspendedAt =
        suspended === undefined ? before.suspendedAt : suspended ? (before.suspendedAt ?? new Date()) : null;
      const changes = {
        ...givenFields(input),
        ...columnsOf(limits),
        suspendedAt,
        updatedAt: new Date(),
      };
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

  /**
   * Into the tenant's own audit trail, whoever made the change; of operators into the platform's trail as well, for nobody
   * can ask for that of a tenant that is deleted. Into its outbox goes what visitors can tell: a name that is changed, by
   * the tenant itself and as often as it likes, must not have its links asked for anew.
   */
  private async changed(
    tx: Tx,
    ctx: Context,
    action: `tenant.${string}`,
    before?: TenantEntity,
    after?: TenantEntity,
  ): Promise<void> {
    const { id } = (after ?? before) as TenantEntity;
    const change = {
      action,
      target: toPublicId('tnt', id),
      ...(before && { before: toTenantResponse(before) }),
      ...(after && { after: toTenantResponse(after) }),
    };
    if (ctx.platform) await this.audit.record(tx, ctx, change);
    await this.transactions.asTenant(tx, id, async (own) => {
      await this.audit.record(own, ctx, change);
      if (redirects(before) !== redirects(after)) await this.outbox.append(own, ctx, action, { tenantId: id });
    });
  }
}

/** Whether its links do: all that visitors can tell of a tenant. */
const redirects = (tenant: TenantEntity | undefined): boolean =>
  tenant !== undefined && (tenant.suspendedAt === null || tenant.redirectsWhileSuspended);

/** Without limits of its own. */
const UNLIMITED = { linksPerMonth: null, maxDomains: null, maxMembers: null, requestsPerMinute: null };

const columnsOf = ({ domains, members, ...limits }: UpdateTenant['limits'] & object) =>
  givenFields({ ...limits, maxDomains: domains, maxMembers: members });
