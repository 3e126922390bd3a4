import { Module } from '@nestjs/common';
import { ThrottlerModule } from '@nestjs/throttler';
import { AnalyticsController } from '../../analytics/analytics.controller.js';
import { AnalyticsModule } from '../../analytics/analytics.module.js';
import { AuditController } from '../../audit/audit.controller.js';
import { AuditModule } from '../../audit/audit.module.js';
import { DeadLettersController } from '../../dead-letters/dead-letters.controller.js';
import { DeadLettersModule } from '../../dead-letters/dead-letters.module.js';
import { DestinationsController } from '../../destinations/destinations.controller.js';
import { DestinationsModule } from '../../destinations/destinations.module.js';
import { CertificatesController } from '../../domains/certificates.controller.js';
import { DomainsController } from '../../domains/domains.controller.js';
import { DomainsModule } from '../../domains/domains.module.js';
import { ApiKeysController } from '../../identity/api-keys.controller.js';
import { IdentityProvidersController } from '../../identity/identity-providers.controller.js';
import { IdentityModule } from '../../identity/identity.module.js';
import { MembersController } from '../../identity/members.controller.js';
import { LinksController } from '../../links/links.controller.js';
import { LinksModule } from '../../links/links.module.js';
import { TakedownsController } from '../../links/takedowns.controller.js';
import { Config } from '../../platform/config/config.js';
import { IdempotencyModule } from '../../platform/idempotency/idempotency.module.js';
import { RateLimitsModule } from '../../platform/rate-limits/rate-limits.module.js';
import { RateLimitStorage } from '../../platform/rate-limits/rate-limit-storage.js';
import { PlansModule } from '../../plans/plans.module.js';
import { PlansReader } from '../../plans/plans.reader.js';
import { ProvisioningController } from '../../scim/provisioning.controller.js';
import { ScimDiscoveryController } from '../../scim/scim-discovery.controller.js';
import { ScimGroupsController } from '../../scim/scim-groups.controller.js';
import { ScimModule } from '../../scim/scim.module.js';
import { ScimUsersController } from '../../scim/scim-users.controller.js';
import { OwnTenantController } from '../../tenants/own-tenant.controller.js';
import { TenantsController } from '../../tenants/tenants.controller.js';
import { TenantsModule } from '../../tenants/tenants.module.js';
import { apiPipeline } from './api.pipeline.js';
import { requestLimits } from './request-limit.guard.js';

/** The authenticated REST API. */
@Module({
  imports: [
    AnalyticsModule,
    AuditModule,
    DeadLettersModule,
    DestinationsModule,
    DomainsModule,
    IdempotencyModule,
    IdentityModule,
    LinksModule,
    RateLimitsModule,
    ScimModule,
    TenantsModule,
    ThrottlerModule.forRootAsync({
      imports: [PlansModule, RateLimitsModule],
      inject: [Config, PlansReader, RateLimitStorage],
      useFactory: requestLimits,
    }),
  ],
  controllers: [
    AnalyticsController,
    ApiKeysController,
    AuditController,
    CertificatesController,
    DeadLettersController,
    DestinationsController,
    DomainsController,
    IdentityProvidersController,
    LinksController,
    MembersController,
    OwnTenantController,
    ProvisioningController,
    ScimDiscoveryController,
    ScimGroupsController,
    ScimUsersController,
    TakedownsController,
    TenantsController,
  ],
  providers: apiPipeline,
})
export class ApiModule {}
