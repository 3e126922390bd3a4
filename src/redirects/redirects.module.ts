import { Module } from '@nestjs/common';
import { ClickRecordingModule } from '../clicks/clicks.module.js';
import { BusModule } from '../platform/bus/bus.module.js';
import { Config } from '../platform/config/config.js';
import { HotSet } from './hot-set.js';
import { RedirectCache } from './redirect-cache.js';
import { RedirectTargetsRepository } from './redirect-targets.repository.js';
import { RedirectsService } from './redirects.service.js';
import { ScanLimit } from './scan-limit.js';

@Module({
  imports: [BusModule, ClickRecordingModule],
  providers: [
    HotSet,
    RedirectCache,
    RedirectTargetsRepository,
    RedirectsService,
    { provide: ScanLimit, inject: [Config], useFactory: ({ scanLimit }: Config) => new ScanLimit(scanLimit) },
  ],
  exports: [RedirectCache, RedirectTargetsRepository, RedirectsService],
})
export class RedirectsModule {}
