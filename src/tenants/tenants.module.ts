import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { ClickErasuresModule } from '../clicks/click-erasures.module.js';
import { DomainsModule } from '../domains/domains.module.js';
import { IdentityModule } from '../identity/identity.module.js';
import { OutboxModule } from '../platform/outbox/outbox.module.js';
import { PlansModule } from '../plans/plans.module.js';
import { TenantsRepository } from './tenants.repository.js';
import { TenantsService } from './tenants.service.js';

@Module({
  imports: [AuditModule, ClickErasuresModule, DomainsModule, IdentityModule, OutboxModule, PlansModule],
  providers: [TenantsRepository, TenantsService],
  exports: [TenantsService],
})
export class TenantsModule {}
