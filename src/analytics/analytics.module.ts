import { Module } from '@nestjs/common';
import { DomainsModule } from '../domains/domains.module.js';
import { LinksModule } from '../links/links.module.js';
import { AnalyticsRepository } from './analytics.repository.js';
import { AnalyticsService } from './analytics.service.js';
import { ClickFilters } from './click-filters.service.js';
import { ExportRepository } from './export.repository.js';
import { ExportService } from './export.service.js';

@Module({
  imports: [DomainsModule, LinksModule],
  providers: [AnalyticsRepository, AnalyticsService, ClickFilters, ExportRepository, ExportService],
  exports: [AnalyticsService, ExportService],
})
export class AnalyticsModule {}
