import { Module } from '@nestjs/common';
import { PlansReader } from './plans.reader.js';
import { PlansRepository } from './plans.repository.js';
import { QuotasRecorder } from './quotas.recorder.js';

@Module({
  providers: [PlansReader, PlansRepository, QuotasRecorder],
  exports: [PlansReader, QuotasRecorder],
})
export class PlansModule {}
