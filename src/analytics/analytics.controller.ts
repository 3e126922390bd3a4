import { Controller, Get, Query } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Access, Ctx } from '../platform/http/access.js';
import { type AnalyticsQuery, analyticsQuery, analyticsResponse } from './analytics.schemas.js';
import { AnalyticsService } from './analytics.service.js';

@Controller('v1/analytics')
export class AnalyticsController {
  constructor(private readonly analytics: AnalyticsService) {}

  @Get()
  @Access('analytics:read', { returns: analyticsResponse })
  answer(@Ctx() ctx: Context, @Query({ schema: analyticsQuery }) query: AnalyticsQuery): Promise<object> {
    return this.analytics.answer(ctx, query);
  }
}
