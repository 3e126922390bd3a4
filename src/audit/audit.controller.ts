import { Controller, Get, Query } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Access, Ctx } from '../platform/http/access.js';
import { auditEventPage, type ListAuditEvents, listAuditEvents, toAuditEventResponse } from './audit.schemas.js';
import { AuditService } from './audit.service.js';

@Controller('v1/audit-events')
export class AuditController {
  constructor(private readonly audit: AuditService) {}

  @Get()
  @Access('audit:read', { returns: auditEventPage })
  async list(@Ctx() ctx: Context, @Query({ schema: listAuditEvents }) query: ListAuditEvents) {
    const { data, nextCursor } = await this.audit.list(ctx, query);
    return { data: data.map(toAuditEventResponse), nextCursor };
  }
}
