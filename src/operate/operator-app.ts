import { type DynamicModule, type INestApplicationContext, Module, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { settingsFromEnvironment } from '../platform/config/environment.js';
import { appDatabase } from '../platform/database/database.module.js';
import { platform } from '../platform/platform.module.js';
import { createLogger } from '../platform/telemetry/logger.js';
import { Tracing } from '../platform/telemetry/tracing.js';
import { operatorConfig } from '../roles/embedded/operator-config.js';
import { APP_ENTITIES } from '../roles/entities.js';

@Module({})
class OperatorModule {}

/** The services of some modules, as the api has them, without its listeners: for commands that do what operators do there. */
export async function withServices<T>(
  modules: Array<Type | DynamicModule>,
  work: (app: INestApplicationContext) => Promise<T>,
): Promise<T> {
  const config = await operatorConfig(settingsFromEnvironment('run'));
  // What a command prints is for people and programs; what it did is for the log.
  const logger = createLogger('warn', false, 2);
  const module = {
    module: OperatorModule,
    imports: [platform(config, logger, Tracing.off, { ops: false }), appDatabase(APP_ENTITIES), ...modules],
  };
  // What fails is thrown, and told once.
  const app = await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
  try {
    return await work(app);
  } finally {
    await app.close();
  }
}
