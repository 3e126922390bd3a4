import 'reflect-metadata';
import { writeFile } from 'node:fs/promises';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Config, readSettings } from './platform/config/config.js';
import { createLogger } from './platform/telemetry/logger.js';
import { Tracing } from './platform/telemetry/tracing.js';
import { openApiDocument } from './roles/api/openapi.js';
import { appModule } from './roles/app.module.js';

/** `node dist/openapi.js <file>`: writes the OpenAPI document, which depends on the code alone. */
const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('Name the file to write');
const nowhere = { owner: '', app: '', ingest: '', resolver: '', replica: undefined };
const settings = { ...readSettings({}, 'run'), roles: new Set(['api' as const]) };
const config = Config.from(settings, { databaseUrls: nowhere, secretKey: '', platformKey: '' });
// A preview knows the controllers and creates nothing: no connection, no port, no secret.
const app = await NestFactory.create<NestFastifyApplication>(
  appModule(config, createLogger('error', false), Tracing.off),
  new FastifyAdapter(),
  { preview: true, logger: ['error'] },
);
await writeFile(file, `${JSON.stringify(openApiDocument(app), null, 2)}\n`);
