import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { DeadLettersRepository } from './dead-letters.repository.js';
import { DeadLettersService } from './dead-letters.service.js';

@Module({
  imports: [AuditModule],
  providers: [DeadLettersRepository, DeadLettersService],
  exports: [DeadLettersService],
})
export class DeadLettersModule {}
