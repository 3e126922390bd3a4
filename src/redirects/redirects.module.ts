import { Module } from '@nestjs/common';
import { ClickRecordingModule } from '../clicks/clicks.module.js';
import { BusModule } from '../platform/bus/bus.module.js';
import { LoadShedder } from '../platform/resilience/load-shedder.js';
import { SharedCacheModule } from '../platform/shared-cache/shared-cache.module.js';
import { HotSet } from './hot-set.js';
import { RedirectCache } from './redirect-cache.js';
import { RedirectTargetsRepository } from './redirect-targets.repository.js';
import { RedirectsService } from './redirects.service.js';

@Module({
  imports: [BusModule, ClickRecordingModule, SharedCacheModule],
  providers: [
    { provide: LoadShedder, useFactory: () => new LoadShedder() },
    HotSet,
    RedirectCache,
    RedirectTargetsRepository,
    RedirectsService,
  ],
  exports: [LoadShedder, RedirectCache, RedirectTargetsRepository, RedirectsService],
})
export class RedirectsModule {}
