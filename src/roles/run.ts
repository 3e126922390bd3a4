import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Config } from '../platform/config/config.js';
import { Readiness } from '../platform/ops/readiness.js';
import { type Logger, NestLogger } from '../platform/telemetry/logger.js';
import { createApiAdapter, openApi } from './api/api.server.js';
import { appModule } from './app.module.js';

/** Starts the roles that the configuration names; resolves when all their ports are open. */
export async function run(config: Config, logger: Logger): Promise<INestApplicationContext> {
  const options = { logger: new NestLogger(logger), abortOnError: false, bodyParser: false };
  const module = appModule(config, logger);
  if (!config.roles.has('api')) return NestFactory.createApplicationContext(module, options);
  const app = await NestFactory.create<NestFastifyApplication>(module, createApiAdapter(logger), options);
  await openApi(app, config);
  return app;
}

/**
 * Stops in three steps, each bounded by the whole: no new work (readiness, the redirect listener), finish what is
 * under way (clicks to the queue, running jobs, the outbox), close the connections.
 *
 * @returns whether it came to its end in time
 */
export async function stop(app: INestApplicationContext, deadlineMs: number): Promise<boolean> {
  app.get(Readiness, { strict: false }).stopping = true;
  const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), deadlineMs).unref());
  return Promise.race([app.close().then(() => true as const), late]);
}
