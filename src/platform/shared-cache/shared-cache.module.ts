import { Module } from '@nestjs/common';
import { Config } from '../config/config.js';
import { type Logger, LOGGER } from '../telemetry/logger.js';
import { SharedCache } from './shared-cache.js';

@Module({
  providers: [
    {
      provide: SharedCache,
      inject: [Config, LOGGER],
      useFactory: ({ redisUrl }: Config, logger: Logger) => new SharedCache(redisUrl, logger),
    },
  ],
  exports: [SharedCache],
})
export class SharedCacheModule {}
