import { Module } from '@nestjs/common';
import { Config } from '../config/config.js';
import { type Logger, LOGGER } from '../telemetry/logger.js';
import { Tracing } from '../telemetry/tracing.js';
import { Bus } from './bus.js';

@Module({
  providers: [
    {
      provide: Bus,
      inject: [Config, LOGGER, Tracing],
      useFactory: (config: Config, logger: Logger, tracing: Tracing) => new Bus(config, logger, tracing),
    },
  ],
  exports: [Bus],
})
export class BusModule {}
