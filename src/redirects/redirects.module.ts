import { Module } from '@nestjs/common';
import { ClickRecordingModule } from '../clicks/clicks.module.js';
import { BusModule } from '../platform/bus/bus.module.js';
import { HotSet } from './hot-set.js';
import { RedirectCache } from './redirect-cache.js';
import { RedirectTargetsRepository } from './redirect-targets.repository.js';
import { RedirectsService } from './redirects.service.js';

@Module({
  imports: [BusModule, ClickRecordingModule],
  providers: [HotSet, RedirectCache, RedirectTargetsRepository, RedirectsService],
  exports: [RedirectCache, RedirectTargetsRepository, RedirectsService],
})
export class RedirectsModule {}
