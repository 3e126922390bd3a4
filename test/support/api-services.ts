import 'reflect-metadata';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Config, readSettings } from '../../src/platform/config/config.js';
import { createLogger } from '../../src/platform/telemetry/logger.js';
import { Tracing } from '../../src/platform/telemetry/tracing.js';
import { createApiServer } from '../../src/roles/api/api.server.js';
import { serveOpenApi } from '../../src/roles/api/openapi.js';
import { databaseUrl } from './database.js';
import { underTest } from './waypost.js';
import { freePorts } from './waypost-process.js';

// After Nest is there: @nestjs/throttler is CommonJS and requires it, which the test runner can not do half way.
const { appModule } = await import('../../src/roles/app.module.js');

/** The use cases of the API on the shared database, for contexts that no API key has. */
export class ApiServices {
  private constructor(
    private readonly app: INestApplicationContext,
    /** All that its HTTP server, which has no port, would answer: `GET /v1/links/:id`. */
    readonly routes: readonly string[],
  ) {}

  static async open(): Promise<ApiServices> {
    const settings = { ...readSettings(await freePorts(), 'run'), roles: new Set(['api'] as const) };
    const app = await databaseUrl('waypost_app');
    const config = Config.from(settings, {
      databaseUrls: { owner: '', app, ingest: '', resolver: '', replica: undefined },
      secretKey: await readFile(join(underTest.dataDir, 'secret-key'), 'utf8'),
      platformKey: '',
    });
    const logger = createLogger('silent', false);
    const { adapter } = await createApiServer(config, logger, Tracing.off);
    const routes: string[] = [];
    adapter.getInstance().addHook('onRoute', ({ method, url }) => {
      routes.push(...[method].flat().map((verb) => `${verb} ${url}`));
    });
    const options = { logger: false as const, abortOnError: false, bodyParser: false };
    const api = await NestFactory.create<NestFastifyApplication>(
      appModule(config, logger, Tracing.off),
      adapter,
      options,
    );
    serveOpenApi(api);
    return new ApiServices(await api.init(), routes);
  }

  of<T>(service: Type<T>): T {
    return this.app.get(service, { strict: false });
  }

  close(): Promise<void> {
    return this.app.close();
  }
}
