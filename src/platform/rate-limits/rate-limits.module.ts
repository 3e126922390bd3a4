import { Module } from '@nestjs/common';
import { SharedCacheModule } from '../shared-cache/shared-cache.module.js';
import { RateLimitStorage } from './rate-limit-storage.js';

@Module({ imports: [SharedCacheModule], providers: [RateLimitStorage], exports: [RateLimitStorage] })
export class RateLimitsModule {}
