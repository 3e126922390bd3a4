import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { DestinationsModule } from '../destinations/destinations.module.js';
import { OutboxModule } from '../platform/outbox/outbox.module.js';
import { PlansModule } from '../plans/plans.module.js';
import { CertificatesRepository } from './certificates.repository.js';
import { CertificatesService } from './certificates.service.js';
import { DomainVerifier } from './domain-verifier.js';
import { DomainsReader } from './domains.reader.js';
import { DomainsRepository } from './domains.repository.js';
import { DomainsService } from './domains.service.js';

@Module({
  imports: [AuditModule, DestinationsModule, OutboxModule, PlansModule],
  providers: [
    CertificatesRepository,
    CertificatesService,
    DomainVerifier,
    DomainsReader,
    DomainsRepository,
    DomainsService,
  ],
  exports: [CertificatesService, DomainsReader, DomainsService],
})
export class DomainsModule {}
