import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Access, Ctx } from '../platform/http/access.js';
import { publicId } from '../platform/ids.js';
import {
  apiKeyPage,
  type CreateApiKey,
  createApiKey,
  type ListApiKeys,
  listApiKeys,
  newApiKeyResponse,
  type RotateApiKey,
  rotateApiKey,
  toApiKeyResponse,
} from './api-key.schemas.js';
import { ApiKeysService } from './api-keys.service.js';

const keyId = publicId('key');

@Controller('v1/api-keys')
export class ApiKeysController {
  constructor(private readonly keys: ApiKeysService) {}

  @Post()
  @Access('api-keys:write', { returns: newApiKeyResponse, status: 201 })
  async create(@Ctx() ctx: Context, @Body({ schema: createApiKey }) input: CreateApiKey) {
    const [key, apiKey] = await this.keys.create(ctx, input);
    return { ...toApiKeyResponse(key), apiKey };
  }

  @Get()
  @Access('api-keys:read', { returns: apiKeyPage })
  async list(@Ctx() ctx: Context, @Query({ schema: listApiKeys }) query: ListApiKeys) {
    const { data, nextCursor } = await this.keys.list(ctx, query);
    return { data: data.map(toApiKeyResponse), nextCursor };
  }

  @Post(':id/rotate')
  @Access('api-keys:write', { returns: newApiKeyResponse, status: 201 })
  async rotate(
    @Ctx() ctx: Context,
    @Param('id', { schema: keyId }) id: string,
    @Body({ schema: rotateApiKey }) input: RotateApiKey,
  ) {
    const [key, apiKey] = await this.keys.rotate(ctx, id, input);
    return { ...toApiKeyResponse(key), apiKey };
  }

  @Delete(':id')
  @Access('api-keys:write', { status: 204 })
  async revoke(@Ctx() ctx: Context, @Param('id', { schema: keyId }) id: string) {
    await this.keys.revoke(ctx, id);
  }
}
