import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AccessReader } from './access.reader.js';
import { ApiKeysRecorder } from './api-keys.recorder.js';
import { ApiKeysRepository } from './api-keys.repository.js';
import { ApiKeysService } from './api-keys.service.js';
import { Authenticator } from './authenticator.js';

@Module({
  imports: [AuditModule],
  providers: [AccessReader, ApiKeysRecorder, ApiKeysRepository, ApiKeysService, Authenticator],
  exports: [AccessReader, ApiKeysRecorder, ApiKeysService, Authenticator],
})
export class IdentityModule {}
