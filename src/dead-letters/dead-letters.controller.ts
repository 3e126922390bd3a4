import { Controller, Get, Param, Post, Query } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Access, Ctx } from '../platform/http/access.js';
import {
  deadLetterId,
  deadLetterPage,
  deadLetterResponse,
  type ListDeadLetters,
  listDeadLetters,
  openedLetterResponse,
  redriveResponse,
  toDeadLetterResponse,
  toOpenedLetterResponse,
} from './dead-letter.schemas.js';
import { DeadLettersService } from './dead-letters.service.js';

/** For the platform's operators. */
@Controller('v1/ops/dead-letters')
export class DeadLettersController {
  constructor(private readonly letters: DeadLettersService) {}

  @Get()
  @Access('ops:read', { returns: deadLetterPage })
  async list(@Ctx() ctx: Context, @Query({ schema: listDeadLetters }) query: ListDeadLetters) {
    const { data, nextCursor } = await this.letters.list(ctx, query);
    return { data: data.map(toDeadLetterResponse), nextCursor };
  }

  @Post('redrive')
  @Access('ops:write', { returns: redriveResponse })
  redriveAll(@Ctx() ctx: Context) {
    return this.letters.redriveAll(ctx);
  }

  @Get(':id')
  @Access('ops:read', { returns: openedLetterResponse })
  async get(@Ctx() ctx: Context, @Param('id', { schema: deadLetterId }) id: string) {
    return toOpenedLetterResponse(await this.letters.get(ctx, id));
  }

  @Post(':id/redrive')
  @Access('ops:write', { returns: deadLetterResponse })
  async redrive(@Ctx() ctx: Context, @Param('id', { schema: deadLetterId }) id: string) {
    return toDeadLetterResponse(await this.letters.redrive(ctx, id));
  }
}
