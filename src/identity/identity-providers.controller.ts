import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Access, Ctx } from '../platform/http/access.js';
import { publicId } from '../platform/ids.js';
import {
  type CreateIdentityProvider,
  createIdentityProvider,
  identityProviderPage,
  identityProviderResponse,
  type ListIdentityProviders,
  listIdentityProviders,
  toIdentityProviderResponse,
  type UpdateIdentityProvider,
  updateIdentityProvider,
} from './identity-provider.schemas.js';
import { IdentityProvidersService } from './identity-providers.service.js';

const providerId = publicId('idp');

@Controller('v1/identity-providers')
export class IdentityProvidersController {
  constructor(private readonly providers: IdentityProvidersService) {}

  @Post()
  @Access('identity-providers:write', { returns: identityProviderResponse, status: 201 })
  async create(@Ctx() ctx: Context, @Body({ schema: createIdentityProvider }) input: CreateIdentityProvider) {
    return toIdentityProviderResponse(await this.providers.create(ctx, input));
  }

  @Get()
  @Access('identity-providers:read', { returns: identityProviderPage })
  async list(@Ctx() ctx: Context, @Query({ schema: listIdentityProviders }) query: ListIdentityProviders) {
    const { data, nextCursor } = await this.providers.list(ctx, query);
    return { data: data.map(toIdentityProviderResponse), nextCursor };
  }

  @Get(':id')
  @Access('identity-providers:read', { returns: identityProviderResponse })
  async get(@Ctx() ctx: Context, @Param('id', { schema: providerId }) id: string) {
    return toIdentityProviderResponse(await this.providers.get(ctx, id));
  }

  @Patch(':id')
  @Access('identity-providers:write', { returns: identityProviderResponse })
  async update(
    @Ctx() ctx: Context,
    @Param('id', { schema: providerId }) id: string,
    @Body({ schema: updateIdentityProvider }) input: UpdateIdentityProvider,
  ) {
    return toIdentityProviderResponse(await this.providers.update(ctx, id, input));
  }

  @Delete(':id')
  @Access('identity-providers:write', { status: 204 })
  async delete(@Ctx() ctx: Context, @Param('id', { schema: providerId }) id: string) {
    await this.providers.delete(ctx, id);
  }
}
