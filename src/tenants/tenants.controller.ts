import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Access, Ctx } from '../platform/http/access.js';
import { publicId } from '../platform/ids.js';
import {
  type CreateTenant,
  createTenant,
  type ListTenants,
  listTenants,
  newTenantResponse,
  tenantPage,
  tenantResponse,
  toTenantResponse,
  type UpdateTenant,
  updateTenant,
} from './tenant.schemas.js';
import { TenantsService } from './tenants.service.js';

const tenantId = publicId('tnt');

/** For the platform's operators. */
@Controller('v1/tenants')
export class TenantsController {
  constructor(private readonly tenants: TenantsService) {}

  @Post()
  @Access('tenants:write', { returns: newTenantResponse, status: 201 })
  async create(@Ctx() ctx: Context, @Body({ schema: createTenant }) input: CreateTenant) {
    const [tenant, apiKey] = await this.tenants.create(ctx, input);
    return { ...toTenantResponse(tenant), apiKey };
  }

  @Get()
  @Access('tenants:read', { returns: tenantPage })
  async list(@Ctx() ctx: Context, @Query({ schema: listTenants }) query: ListTenants) {
    const { data, nextCursor } = await this.tenants.list(ctx, query);
    return { data: data.map(toTenantResponse), nextCursor };
  }

  @Get(':id')
  @Access('tenants:read', { returns: tenantResponse })
  async get(@Ctx() ctx: Context, @Param('id', { schema: tenantId }) id: string) {
    return toTenantResponse(await this.tenants.get(ctx, id));
  }

  @Patch(':id')
  @Access('tenants:write', { returns: tenantResponse })
  async update(
    @Ctx() ctx: Context,
    @Param('id', { schema: tenantId }) id: string,
    @Body({ schema: updateTenant }) input: UpdateTenant,
  ) {
    return toTenantResponse(await this.tenants.update(ctx, id, input));
  }

  @Delete(':id')
  @Access('tenants:write', { status: 204 })
  async delete(@Ctx() ctx: Context, @Param('id', { schema: tenantId }) id: string) {
    await this.tenants.delete(ctx, id);
  }
}
