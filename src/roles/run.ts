import { setTimeout as sleep } from 'node:timers/promises';
import type { DynamicModule, INestApplicationContext, NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Config } from '../platform/config/config.js';
import { Readiness } from '../platform/ops/readiness.js';
import { roleOf } from '../platform/telemetry/build-info.js';
import { type Logger, NestLogger } from '../platform/telemetry/logger.js';
import { Tracing } from '../platform/telemetry/tracing.js';
import { createApiServer, openApi } from './api/api.server.js';
import { AppModule, appModule } from './app.module.js';

/** A server that does not answer would keep its connections open for ever; with the process they end anyway. */
const CLOSE_DEADLINE_MS = 2_000;

/** Starts the roles that the configuration names; resolves when all their ports are open. */
export async function run(config: Config, logger: Logger): Promise<INestApplicationContext> {
  const options = { logger: new NestLogger(logger), abortOnError: false, bodyParser: false };
  const tracing = await Tracing.open(config.tracing, roleOf(config.roles), logger);
  const module = appModule(config, logger, tracing);
  const app = config.roles.has('api')
    ? await withApi(module, options, config, logger, tracing)
    : await NestFactory.createApplicationContext(module, options);
  app.get(Readiness, { strict: false }).begin();
  return app;
}

async function withApi(
  module: DynamicModule,
  options: NestApplicationOptions,
  config: Config,
  logger: Logger,
  tracing: Tracing,
): Promise<NestFastifyApplication> {
  const server = await createApiServer(config, logger, tracing);
  const app = await NestFactory.create<NestFastifyApplication>(module, server.adapter, options);
  await openApi(app, server, config);
  return app;
}

/**
 * Stops in four steps, each bounded by the whole: not ready, and yet served, until whoever sends requests has taken
 * note; no new work (the redirect listener); finish what is under way (clicks to the queue, running jobs, the outbox);
 * close the connections.
 *
 * @returns whether it came to its end in time
 */
export async function stop(
  app: INestApplicationContext,
  { roles, drainMs }: Config,
  deadlineMs: number,
): Promise<boolean> {
  const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), deadlineMs).unref());
  app.get(Readiness, { strict: false }).end();
  const served = roles.has('redirect') || roles.has('api');
  if (served && drainMs > 0) await sleep(drainMs);
  const closed = app.close().then(() => true as const);
  const finished = app.get(AppModule).finished.then(() => sleep(CLOSE_DEADLINE_MS, true as const, { ref: false }));
  return Promise.race([closed, finished, late]);
}
