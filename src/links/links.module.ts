import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { ClickErasuresModule } from '../clicks/click-erasures.module.js';
import { DestinationsModule } from '../destinations/destinations.module.js';
import { DomainsModule } from '../domains/domains.module.js';
import { OutboxModule } from '../platform/outbox/outbox.module.js';
import { PlansModule } from '../plans/plans.module.js';
import { LinksReader } from './links.reader.js';
import { LinksRepository } from './links.repository.js';
import { LinksService } from './links.service.js';
import { ShortCodeNumbers } from './short-code-numbers.js';
import { TakedownsRepository } from './takedowns.repository.js';
import { TakedownsService } from './takedowns.service.js';

@Module({
  imports: [AuditModule, ClickErasuresModule, DestinationsModule, DomainsModule, OutboxModule, PlansModule],
  providers: [LinksReader, LinksRepository, LinksService, ShortCodeNumbers, TakedownsRepository, TakedownsService],
  exports: [LinksReader, LinksService, TakedownsService],
})
export class LinksModule {}
