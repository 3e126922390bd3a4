import type { Provider } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { AccessGuard } from '../../identity/access.guard.js';
import { InputPipe } from '../../platform/http/input.pipe.js';
import { NextLinkInterceptor } from '../../platform/http/next-link.interceptor.js';
import { ProblemFilter } from '../../platform/http/problem.filter.js';
import { IdempotencyInterceptor } from '../../platform/idempotency/idempotency.interceptor.js';
import { type Logger, LOGGER } from '../../platform/telemetry/logger.js';
import { AddressLimitGuard } from './address-limit.guard.js';
import { CredentialsGuard } from './credentials.guard.js';
import { RequestLimitGuard } from './request-limit.guard.js';
import { ScimAnswerInterceptor } from './scim-answer.interceptor.js';

/**
 * What every API request passes, in this order. Before it stand the hooks of the HTTP server, see api.server.ts; after
 * it, the controller.
 */
export const apiPipeline: Provider[] = [
  AccessGuard,
  { provide: APP_GUARD, useClass: AddressLimitGuard },
  { provide: APP_GUARD, useClass: CredentialsGuard },
  { provide: APP_GUARD, useClass: RequestLimitGuard },
  { provide: APP_INTERCEPTOR, useClass: NextLinkInterceptor },
  { provide: APP_INTERCEPTOR, useClass: ScimAnswerInterceptor },
  { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
  { provide: APP_PIPE, useClass: InputPipe },
  { provide: APP_FILTER, inject: [LOGGER], useFactory: (logger: Logger) => new ProblemFilter(logger) },
];
