import { Module } from '@nestjs/common';
import { AnalyticsController } from '../../analytics/analytics.controller.js';
import { AnalyticsModule } from '../../analytics/analytics.module.js';
import { AuditController } from '../../audit/audit.controller.js';
import { AuditModule } from '../../audit/audit.module.js';
import { DeadLettersController } from '../../dead-letters/dead-letters.controller.js';
import { DeadLettersModule } from '../../dead-letters/dead-letters.module.js';
import { DomainsController } from '../../domains/domains.controller.js';
import { DomainsModule } from '../../domains/domains.module.js';
import { ApiKeysController } from '../../identity/api-keys.controller.js';
import { IdentityModule } from '../../identity/identity.module.js';
import { LinksController } from '../../links/links.controller.js';
import { LinksModule } from '../../links/links.module.js';
import { IdempotencyModule } from '../../platform/idempotency/idempotency.module.js';
import { OwnTenantController } from '../../tenants/own-tenant.controller.js';
import { TenantsController } from '../../tenants/tenants.controller.js';
import { TenantsModule } from '../../tenants/tenants.module.js';
import { apiPipeline } from './api.pipeline.js';

/** The authenticated REST API. */
@Module({
  imports: [
    AnalyticsModule,
    AuditModule,
    DeadLettersModule,
    DomainsModule,
    IdempotencyModule,
    IdentityModule,
    LinksModule,
    TenantsModule,
  ],
  controllers: [
    AnalyticsController,
    ApiKeysController,
    AuditController,
    DeadLettersController,
    DomainsController,
    LinksController,
    OwnTenantController,
    TenantsController,
  ],
  providers: apiPipeline,
})
export class ApiModule {}
