import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Access, Ctx } from '../platform/http/access.js';
import { publicId } from '../platform/ids.js';
import {
  type CreateLink,
  createLink,
  type LinkInfo,
  linkInfo,
  linkPage,
  linkResponse,
  type ListLinks,
  listLinks,
  type Shorten,
  shorten,
  shortenResponse,
  toLinkResponse,
  toShortenResponse,
  type UpdateLink,
  updateLink,
} from './link.schemas.js';
import { LinksService } from './links.service.js';

const linkId = publicId('link');

@Controller('v1')
export class LinksController {
  constructor(private readonly links: LinksService) {}

  @Post('shorten')
  @Access('links:write', { returns: shortenResponse, status: 201 })
  async shorten(@Ctx() ctx: Context, @Body({ schema: shorten }) input: Shorten) {
    return toShortenResponse(await this.links.shorten(ctx, input));
  }

  @Post('links')
  @Access('links:write', { returns: linkResponse, status: 201 })
  async create(@Ctx() ctx: Context, @Body({ schema: createLink }) input: CreateLink) {
    return toLinkResponse(await this.links.create(ctx, input));
  }

  @Get('links')
  @Access('links:read', { returns: linkPage })
  async list(@Ctx() ctx: Context, @Query({ schema: listLinks }) query: ListLinks) {
    const { data, nextCursor } = await this.links.list(ctx, query);
    return { data: data.map(toLinkResponse), nextCursor };
  }

  @Get('links/info')
  @Access('links:read', { returns: linkResponse })
  async info(@Ctx() ctx: Context, @Query({ schema: linkInfo }) query: LinkInfo) {
    return toLinkResponse(await this.links.getByKey(ctx, query));
  }

  @Get('links/:id')
  @Access('links:read', { returns: linkResponse })
  async get(@Ctx() ctx: Context, @Param('id', { schema: linkId }) id: string) {
    return toLinkResponse(await this.links.get(ctx, id));
  }

  @Patch('links/:id')
  @Access('links:write', { returns: linkResponse })
  async update(
    @Ctx() ctx: Context,
    @Param('id', { schema: linkId }) id: string,
    @Body({ schema: updateLink }) input: UpdateLink,
  ) {
    return toLinkResponse(await this.links.update(ctx, id, input));
  }

  @Delete('links/:id')
  @Access('links:write', { status: 204 })
  async delete(@Ctx() ctx: Context, @Param('id', { schema: linkId }) id: string) {
    await this.links.delete(ctx, id);
  }
}
