import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { DestinationsReader } from './destinations.reader.js';
import { DestinationsRepository } from './destinations.repository.js';
import { DestinationsService } from './destinations.service.js';
import { ReputationFeed } from './reputation-feed.js';

@Module({
  imports: [AuditModule],
  providers: [DestinationsReader, DestinationsRepository, DestinationsService, ReputationFeed],
  exports: [DestinationsReader, DestinationsService],
})
export class DestinationsModule {}
