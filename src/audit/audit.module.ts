import { Module } from '@nestjs/common';
import { AuditRecorder } from './audit.recorder.js';
import { AuditRepository } from './audit.repository.js';
import { AuditService } from './audit.service.js';

@Module({ providers: [AuditRecorder, AuditRepository, AuditService], exports: [AuditRecorder, AuditService] })
export class AuditModule {}
