import { type DynamicModule, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Config } from '../platform/config/config.js';
import { appDatabase, ingestDatabase, resolverDatabase } from '../platform/database/database.module.js';
import { platform } from '../platform/platform.module.js';
import { QueueModule } from '../platform/queue/queue.module.js';
import type { Logger } from '../platform/telemetry/logger.js';
import type { Tracing } from '../platform/telemetry/tracing.js';
import { ApiModule } from './api/api.module.js';
import { APP_ENTITIES, INGEST_ENTITIES } from './entities.js';
import { RedirectWorkersModule } from './redirect-workers/redirect-workers.js';
import { RedirectModule } from './redirect/redirect.module.js';
import { WorkerModule } from './worker/worker.module.js';

@Module({})
export class AppModule implements OnApplicationShutdown {
  private readonly work = Promise.withResolvers<void>();
  /** When all work is finished, and only connections are left to be closed. */
  readonly finished = this.work.promise;

  /** Nest begins with the outermost module. */
  onApplicationShutdown(): void {
    this.work.resolve();
  }
}

/** The roles this process plays, each with the one database role it may use. */
export const appModule = (config: Config, logger: Logger, tracing: Tracing): DynamicModule => {
  const { roles } = config;
  const sharesRedirects = roles.has('redirect') && config.redirectWorkers > 1 && config.redirectWorker === undefined;
  const redirects = roles.has('redirect') && !sharesRedirects;
  return {
    module: AppModule,
    imports: [
      platform(config, logger, tracing),
      ...(roles.has('worker') || redirects ? [QueueModule] : []),
      ...(roles.has('api') || roles.has('worker') ? [appDatabase(APP_ENTITIES)] : []),
      ...(roles.has('worker') ? [ingestDatabase(INGEST_ENTITIES), WorkerModule] : []),
      ...(redirects ? [resolverDatabase, RedirectModule] : []),
      ...(sharesRedirects ? [RedirectWorkersModule] : []),
      ...(roles.has('api') ? [ApiModule] : []),
    ],
  };
};
