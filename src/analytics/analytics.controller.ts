import { Controller, Get, Header, Headers, Query, Res, StreamableFile } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Context } from '../platform/context/context.js';
import { Access, Ctx } from '../platform/http/access.js';
import {
  type AnalyticsQuery,
  analyticsQuery,
  analyticsResponse,
  type ExportQuery,
  exportQuery,
  exportResponse,
  type LiveQuery,
  liveQuery,
  liveResponse,
} from './analytics.schemas.js';
import { AnalyticsService } from './analytics.service.js';
import { ExportService } from './export.service.js';
import { LiveService } from './live.service.js';

@Controller('v1/analytics')
export class AnalyticsController {
  constructor(
    private readonly analytics: AnalyticsService,
    private readonly exports: ExportService,
    private readonly lives: LiveService,
  ) {}

  @Get()
  @Access('analytics:read', { returns: analyticsResponse })
  async answer(
    @Ctx() ctx: Context,
    @Query({ schema: analyticsQuery }) query: AnalyticsQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<object> {
    const { answer, wholeHoursBefore } = await this.analytics.answer(ctx, query);
    // A field would have no place in a list.
    if (wholeHoursBefore) void reply.header('waypost-whole-hours-before', wholeHoursBefore.toISOString());
    return answer;
  }

  @Get('export')
  @Access('analytics:read', { returns: exportResponse, types: ['text/csv', 'application/x-ndjson'] })
  async export(@Ctx() ctx: Context, @Query({ schema: exportQuery }) query: ExportQuery): Promise<StreamableFile> {
    const { type, name } = FILES[query.format];
    const disposition = `attachment; filename="${name}"`;
    return new StreamableFile(await this.exports.stream(ctx, query), { type, disposition });
  }

  @Get('live')
  @Header('cache-control', 'no-store')
  @Access('analytics:read', { returns: liveResponse, types: ['text/event-stream'] })
  async live(
    @Ctx() ctx: Context,
    @Query({ schema: liveQuery }) query: LiveQuery,
    @Headers('last-event-id') lastEventId?: string,
  ): Promise<StreamableFile> {
    const stream = await this.lives.stream(ctx, query, lastEventId);
    return new StreamableFile(stream, { type: 'text/event-stream; charset=utf-8' });
  }
}

const FILES = {
  csv: { type: 'text/csv; charset=utf-8; header=present', name: 'clicks.csv' },
  ndjson: { type: 'application/x-ndjson; charset=utf-8', name: 'clicks.ndjson' },
};
