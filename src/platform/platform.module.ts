import { type DynamicModule, Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { Config } from './config/config.js';
import { ClientAddress } from './http/client-address.js';
import { Cursors } from './http/pagination.js';
import { MetricsPage } from './ops/metrics-page.js';
import { OpsServer } from './ops/ops.server.js';
import { Readiness } from './ops/readiness.js';
import { OutgoingClient } from './outgoing/outgoing-client.js';
import { Secrets } from './secrets/secrets.js';
import { EventLoopWatch } from './telemetry/event-loop.js';
import { type Logger, LOGGER } from './telemetry/logger.js';
import { Tracing } from './telemetry/tracing.js';

@Module({})
class PlatformModule {}

/** What every role has, whatever its work. @param ops whether somebody may ask how this process is */
export const platform = (config: Config, logger: Logger, tracing: Tracing, { ops = true } = {}): DynamicModule => ({
  module: PlatformModule,
  global: true,
  imports: [TerminusModule.forRoot({ logger: false })],
  providers: [
    { provide: Config, useValue: config },
    { provide: LOGGER, useValue: logger },
    { provide: Tracing, useFactory: () => tracing },
    { provide: Secrets, useValue: new Secrets(config.secretKey, config.previousSecretKeys) },
    { provide: ClientAddress, useValue: new ClientAddress(config.trustedProxies) },
    Cursors,
    OutgoingClient,
    Readiness,
    MetricsPage,
    EventLoopWatch,
    // One of several workers is spoken for by the process that started it.
    ...(ops && config.redirectWorker === undefined ? [OpsServer] : []),
  ],
  exports: [Config, LOGGER, Tracing, Secrets, ClientAddress, Cursors, OutgoingClient, Readiness, MetricsPage],
});
