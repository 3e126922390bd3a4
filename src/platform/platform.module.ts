import { type DynamicModule, Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { Config } from './config/config.js';
import { ClientAddress } from './http/client-address.js';
import { Cursors } from './http/pagination.js';
import { MetricsPage } from './ops/metrics-page.js';
import { OpsServer } from './ops/ops.server.js';
import { Readiness } from './ops/readiness.js';
import { Secrets } from './secrets/secrets.js';
import { type Logger, LOGGER } from './telemetry/logger.js';

@Module({})
class PlatformModule {}

/** What every role has, whatever its work. */
export const platform = (config: Config, logger: Logger): DynamicModule => ({
  module: PlatformModule,
  global: true,
  imports: [TerminusModule.forRoot({ logger: false })],
  providers: [
    { provide: Config, useValue: config },
    { provide: LOGGER, useValue: logger },
    { provide: Secrets, useValue: new Secrets(config.secretKey) },
    { provide: ClientAddress, useValue: new ClientAddress(config.trustedProxies) },
    Cursors,
    Readiness,
    MetricsPage,
    // One of several workers is spoken for by the process that started it.
    ...(config.redirectWorker === undefined ? [OpsServer] : []),
  ],
  exports: [Config, LOGGER, Secrets, ClientAddress, Cursors, Readiness, MetricsPage],
});
