import { Body, Controller, Get, Patch } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Access, Ctx } from '../platform/http/access.js';
import { tenantResponse, toTenantResponse, type UpdateOwnTenant, updateOwnTenant } from './tenant.schemas.js';
import { TenantsService } from './tenants.service.js';

/** A tenant's view of itself. */
@Controller('v1/tenant')
export class OwnTenantController {
  constructor(private readonly tenants: TenantsService) {}

  @Get()
  @Access('tenant:read', { returns: tenantResponse })
  async get(@Ctx() ctx: Context) {
    return toTenantResponse(await this.tenants.get(ctx, ctx.tenantId));
  }

  @Patch()
  @Access('tenant:write', { returns: tenantResponse })
  async update(@Ctx() ctx: Context, @Body({ schema: updateOwnTenant }) input: UpdateOwnTenant) {
    return toTenantResponse(await this.tenants.update(ctx, ctx.tenantId, input));
  }
}
