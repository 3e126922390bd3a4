import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Access, Ctx } from '../platform/http/access.js';
import { publicId } from '../platform/ids.js';
import {
  type CreateDomain,
  createDomain,
  domainPage,
  domainResponse,
  type ListDomains,
  listDomains,
  toDomainResponse,
  type UpdateDomain,
  updateDomain,
} from './domain.schemas.js';
import { DomainsService } from './domains.service.js';

const domainId = publicId('dom');

@Controller('v1/domains')
export class DomainsController {
  constructor(private readonly domains: DomainsService) {}

  @Post()
  @Access('domains:write', { returns: domainResponse, status: 201 })
  async create(@Ctx() ctx: Context, @Body({ schema: createDomain }) input: CreateDomain) {
    return toDomainResponse(await this.domains.create(ctx, input));
  }

  @Get()
  @Access('domains:read', { returns: domainPage })
  async list(@Ctx() ctx: Context, @Query({ schema: listDomains }) query: ListDomains) {
    const { data, nextCursor } = await this.domains.list(ctx, query);
    return { data: data.map(toDomainResponse), nextCursor };
  }

  @Get(':id')
  @Access('domains:read', { returns: domainResponse })
  async get(@Ctx() ctx: Context, @Param('id', { schema: domainId }) id: string) {
    return toDomainResponse(await this.domains.get(ctx, id));
  }

  @Patch(':id')
  @Access('domains:write', { returns: domainResponse })
  async update(
    @Ctx() ctx: Context,
    @Param('id', { schema: domainId }) id: string,
    @Body({ schema: updateDomain }) input: UpdateDomain,
  ) {
    return toDomainResponse(await this.domains.update(ctx, id, input));
  }

  @Post(':id/verify')
  @Access('domains:write', { returns: domainResponse })
  async verify(@Ctx() ctx: Context, @Param('id', { schema: domainId }) id: string) {
    return toDomainResponse(await this.domains.verify(ctx, id));
  }

  @Delete(':id')
  @Access('domains:write', { status: 204 })
  async delete(@Ctx() ctx: Context, @Param('id', { schema: domainId }) id: string) {
    await this.domains.delete(ctx, id);
  }
}
