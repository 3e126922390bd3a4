import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { OutboxModule } from '../platform/outbox/outbox.module.js';
import { DomainVerifier } from './domain-verifier.js';
import { DomainsReader } from './domains.reader.js';
import { DomainsRepository } from './domains.repository.js';
import { DomainsService } from './domains.service.js';

@Module({
  imports: [AuditModule, OutboxModule],
  providers: [DomainVerifier, DomainsReader, DomainsRepository, DomainsService],
  exports: [DomainsReader, DomainsService],
})
export class DomainsModule {}
