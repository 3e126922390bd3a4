import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Access, Ctx } from '../platform/http/access.js';
import {
  type CreateTakedown,
  createTakedown,
  type ListTakedowns,
  listTakedowns,
  takedownId,
  takedownPage,
  takedownResponse,
  toTakedownResponse,
} from './takedown.schemas.js';
import { TakedownsService } from './takedowns.service.js';

/** For the platform's operators. */
@Controller('v1/ops/takedowns')
export class TakedownsController {
  constructor(private readonly takedowns: TakedownsService) {}

  @Post()
  @Access('ops:write', { returns: takedownResponse, status: 201 })
  async create(@Ctx() ctx: Context, @Body({ schema: createTakedown }) input: CreateTakedown) {
    return toTakedownResponse(await this.takedowns.create(ctx, input));
  }

  @Get()
  @Access('ops:read', { returns: takedownPage })
  async list(@Ctx() ctx: Context, @Query({ schema: listTakedowns }) query: ListTakedowns) {
    const { data, nextCursor } = await this.takedowns.list(ctx, query);
    return { data: data.map(toTakedownResponse), nextCursor };
  }

  @Delete(':id')
  @Access('ops:write', { status: 204 })
  async lift(@Ctx() ctx: Context, @Param('id', { schema: takedownId }) id: string) {
    await this.takedowns.lift(ctx, id);
  }
}
