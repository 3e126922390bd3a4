import { Controller, Get, Query, StreamableFile } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Access, Ctx } from '../platform/http/access.js';
import {
  auditEventPage,
  exportResponse,
  type ExportAuditEvents,
  exportAuditEvents,
  type ListAuditEvents,
  listAuditEvents,
  toAuditEventResponse,
  toVerificationResponse,
  verificationResponse,
  type VerifyAuditEvents,
  verifyAuditEvents,
} from './audit.schemas.js';
import { AuditService } from './audit.service.js';
import { AuditExportService } from './audit-export.service.js';
import { AuditVerificationService } from './audit-verification.service.js';

@Controller('v1/audit-events')
export class AuditController {
  constructor(
    private readonly audit: AuditService,
    private readonly exports: AuditExportService,
    private readonly verification: AuditVerificationService,
  ) {}

  @Get()
  @Access('audit:read', { returns: auditEventPage })
  async list(@Ctx() ctx: Context, @Query({ schema: listAuditEvents }) query: ListAuditEvents) {
    const { data, nextCursor } = await this.audit.list(ctx, query);
    return { data: data.map(toAuditEventResponse), nextCursor };
  }

  @Get('verify')
  @Access('audit:read', { returns: verificationResponse })
  async verify(@Ctx() ctx: Context, @Query({ schema: verifyAuditEvents }) query: VerifyAuditEvents) {
    return toVerificationResponse(await this.verification.verify(ctx, query));
  }

  @Get('export')
  @Access('audit:read', { returns: exportResponse, types: ['application/x-ndjson'] })
  async export(@Ctx() ctx: Context, @Query({ schema: exportAuditEvents }) query: ExportAuditEvents) {
    const type = 'application/x-ndjson; charset=utf-8';
    const disposition = 'attachment; filename="audit-events.ndjson"';
    return new StreamableFile(await this.exports.stream(ctx, query), { type, disposition });
  }
}
