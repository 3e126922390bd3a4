import { Module } from '@nestjs/common';
import { AuditRecorder } from './audit.recorder.js';
import { AuditRepository } from './audit.repository.js';
import { AuditService } from './audit.service.js';
import { AuditChainRepository } from './audit-chain.repository.js';
import { AuditExportService } from './audit-export.service.js';
import { AuditVerificationRepository } from './audit-verification.repository.js';
import { AuditVerificationService } from './audit-verification.service.js';

@Module({
  providers: [
    AuditChainRepository,
    AuditExportService,
    AuditRecorder,
    AuditRepository,
    AuditService,
    AuditVerificationRepository,
    AuditVerificationService,
  ],
  exports: [
    AuditChainRepository,
    AuditExportService,
    AuditRecorder,
    AuditService,
    AuditVerificationRepository,
    AuditVerificationService,
  ],
})
export class AuditModule {}
