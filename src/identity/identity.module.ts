import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { ApiKeysRecorder } from './api-keys.recorder.js';
import { ApiKeysRepository } from './api-keys.repository.js';
import { ApiKeysService } from './api-keys.service.js';
import { Authenticator } from './authenticator.js';

@Module({
  imports: [AuditModule],
  providers: [ApiKeysRecorder, ApiKeysRepository, ApiKeysService, Authenticator],
  exports: [ApiKeysRecorder, ApiKeysService, Authenticator],
})
export class IdentityModule {}
