import type { Context } from '../platform/context/context.js';
import { operatorContext } from '../platform/context/system-context.js';
import { publicId } from '../platform/ids.js';
import type { TenantEntity } from '../tenants/tenant.entity.js';
import { createTenant, toTenantResponse } from '../tenants/tenant.schemas.js';
import { TenantsModule } from '../tenants/tenants.module.js';
import { TenantsService } from '../tenants/tenants.service.js';
import { DONE } from './exit-codes.js';
import { withServices } from './operator-app.js';
import { UsageError, say, sayJson, table } from './output.js';

const PAGE = 100;

export async function listTenants({ json }: { json?: true }): Promise<number> {
  const found = await withTenants(async (tenants, ctx) => {
    const all: TenantEntity[] = [];
    let cursor: string | undefined;
    do {
      const page = await tenants.list(ctx, { limit: PAGE, cursor });
      all.push(...page.data);
      cursor = page.nextCursor ?? undefined;
    } while (cursor);
    return all.map(toTenantResponse);
  });
  if (json) sayJson({ data: found });
  else
    say(
      table(
        ['id', 'slug', 'plan', 'state', 'name'],
        found.map(({ id, slug, plan, suspendedAt, name }) => [
          id,
          slug,
          plan,
          suspendedAt ? 'suspended' : 'active',
          name,
        ]),
      ),
    );
  return DONE;
}

export async function showTenant(tenant: string): Promise<number> {
  sayJson(toTenantResponse(await withTenants((tenants, ctx) => named(tenants, ctx, tenant))));
  return DONE;
}

/** Prints the first owner's key, which nobody can read again. */
export async function newTenant(options: { name: string; slug: string; plan?: string }): Promise<number> {
  const { name, slug, plan } = options;
  const input = createTenant.safeParse({ name, slug, ...(plan !== undefined && { plan }) });
  if (!input.success) {
    const faults = input.error.issues.map((issue) => `--${issue.path.join('.')}: ${issue.message}`);
    throw new UsageError(faults.join('\n'));
  }
  const [tenant, apiKey] = await withTenants((tenants, ctx) => tenants.create(ctx, input.data));
  sayJson({ ...toTenantResponse(tenant), apiKey });
  return DONE;
}

/** Its API answers 403 from now on; its links stop, or with `redirects` go on. */
export async function suspendTenant(tenant: string, options: { redirects?: true }): Promise<number> {
  return change(tenant, { suspended: true, redirectsWhileSuspended: options.redirects === true });
}

export async function resumeTenant(tenant: string): Promise<number> {
  return change(tenant, { suspended: false });
}

/** Who deletes says so twice: the slug, or id, and the same slug once more. */
export async function deleteTenant(tenant: string, options: { confirm: string; json?: true }): Promise<number> {
  await withTenants(async (tenants, ctx) => {
    const { id, slug } = await named(tenants, ctx, tenant);
    if (options.confirm !== slug)
      throw new UsageError(`--confirm must be the tenant's slug, ${slug}: nothing was deleted`);
    await tenants.delete(ctx, id);
  });
  if (options.json) sayJson({ deleted: tenant });
  else say('Deleted. The worker clears its rows away');
  return DONE;
}

async function change(
  tenant: string,
  changes: { suspended: boolean; redirectsWhileSuspended?: boolean },
): Promise<number> {
  const changed = await withTenants(async (tenants, ctx) =>
    tenants.update(ctx, (await named(tenants, ctx, tenant)).id, changes),
  );
  sayJson(toTenantResponse(changed));
  return DONE;
}

const withTenants = <T>(work: (tenants: TenantsService, ctx: Context) => Promise<T>): Promise<T> =>
  withServices([TenantsModule], (app) => work(app.get(TenantsService, { strict: false }), operatorContext()));

/** By id or slug: no slug has an underscore, and every id has. */
export async function named(tenants: TenantsService, ctx: Context, tenant: string): Promise<TenantEntity> {
  if (!tenant.includes('_')) return tenants.getBySlug(ctx, tenant);
  const id = publicId('tnt').safeParse(tenant);
  if (!id.success) throw new UsageError(`${tenant} is no id of a tenant, such as tnt_01h455vb4pex5vsknk084sn02q`);
  return tenants.get(ctx, id.data);
}
