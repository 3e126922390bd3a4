import { Controller, Get, Query } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Access, Ctx } from '../platform/http/access.js';
import { CertificatesService } from './certificates.service.js';
import { type AskForCertificate, askForCertificate } from './domain.schemas.js';

/** For proxies that get a certificate when the first visitor of a hostname comes: Caddy asks like this. */
@Controller('v1/ops/tls')
export class CertificatesController {
  constructor(private readonly certificates: CertificatesService) {}

  /** A proxy looks at the status alone: 2xx is yes, and everything else no. */
  @Get('ask')
  @Access('tls:read', { status: 204 })
  async ask(@Ctx() ctx: Context, @Query({ schema: askForCertificate }) { domain }: AskForCertificate) {
    await this.certificates.mayHaveOne(ctx, domain);
  }
}
