import { Body, Controller, Get, Patch } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Access, Ctx } from '../platform/http/access.js';
import {
  ownTenantResponse,
  tenantResponse,
  toTenantResponse,
  type UpdateOwnTenant,
  updateOwnTenant,
} from './tenant.schemas.js';
import { TenantsService } from './tenants.service.js';

/** A tenant's view of itself. */
@Controller('v1/tenant')
export class OwnTenantController {
  constructor(private readonly tenants: TenantsService) {}

  @Get()
  @Access('tenant:read', { returns: ownTenantResponse })
  async get(@Ctx() ctx: Context) {
    const { tenant, limits, usage } = await this.tenants.getOwn(ctx);
    return { ...toTenantResponse(tenant), limits, usage };
  }

  @Patch()
  @Access('tenant:write', { returns: tenantResponse })
  async update(@Ctx() ctx: Context, @Body({ schema: updateOwnTenant }) input: UpdateOwnTenant) {
    return toTenantResponse(await this.tenants.update(ctx, ctx.tenantId, input));
  }
}
