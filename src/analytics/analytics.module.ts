import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { DomainsModule } from '../domains/domains.module.js';
import { IdentityModule } from '../identity/identity.module.js';
import { LinksModule } from '../links/links.module.js';
import { AnalyticsRepository } from './analytics.repository.js';
import { AnalyticsService } from './analytics.service.js';
import { ClickFilters } from './click-filters.service.js';
import { ExportRepository } from './export.repository.js';
import { ExportService } from './export.service.js';
import { LiveRepository } from './live.repository.js';
import { LiveService } from './live.service.js';

@Module({
  imports: [AuditModule, DomainsModule, IdentityModule, LinksModule],
  providers: [
    AnalyticsRepository,
    AnalyticsService,
    ClickFilters,
    ExportRepository,
    ExportService,
    LiveRepository,
    LiveService,
  ],
  exports: [AnalyticsService, ExportService, LiveService],
})
export class AnalyticsModule {}
