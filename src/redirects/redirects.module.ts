import { Module } from '@nestjs/common';
import { ClickRecordingModule } from '../clicks/clicks.module.js';
import { BusModule } from '../platform/bus/bus.module.js';
import { Config } from '../platform/config/config.js';
import { LoadShedder } from '../platform/resilience/load-shedder.js';
import { SharedCacheModule } from '../platform/shared-cache/shared-cache.module.js';
import { HotSet } from './hot-set.js';
import { RedirectCache } from './redirect-cache.js';
import { RedirectTargetsRepository } from './redirect-targets.repository.js';
import { RedirectsService } from './redirects.service.js';
import { ScanLimit } from './scan-limit.js';

@Module({
  imports: [BusModule, ClickRecordingModule, SharedCacheModule],
  providers: [
    { provide: LoadShedder, useFactory: () => new LoadShedder() },
    HotSet,
    RedirectCache,
    RedirectTargetsRepository,
    RedirectsService,
    { provide: ScanLimit, inject: [Config], useFactory: ({ scanLimit }: Config) => new ScanLimit(scanLimit) },
  ],
  exports: [LoadShedder, RedirectCache, RedirectTargetsRepository, RedirectsService],
})
export class RedirectsModule {}
