import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { ClickErasuresModule } from '../clicks/click-erasures.module.js';
import { DomainsModule } from '../domains/domains.module.js';
import { OutboxModule } from '../platform/outbox/outbox.module.js';
import { LinksReader } from './links.reader.js';
import { LinksRepository } from './links.repository.js';
import { LinksService } from './links.service.js';
import { ShortCodeNumbers } from './short-code-numbers.js';

@Module({
  imports: [AuditModule, ClickErasuresModule, DomainsModule, OutboxModule],
  providers: [LinksReader, LinksRepository, LinksService, ShortCodeNumbers],
  exports: [LinksReader, LinksService],
})
export class LinksModule {}
