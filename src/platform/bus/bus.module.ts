import { Module } from '@nestjs/common';
import { Config } from '../config/config.js';
import { type Logger, LOGGER } from '../telemetry/logger.js';
import { Bus } from './bus.js';

@Module({
  providers: [
    { provide: Bus, inject: [Config, LOGGER], useFactory: (config: Config, logger: Logger) => new Bus(config, logger) },
  ],
  exports: [Bus],
})
export class BusModule {}
