import { Readable } from 'node:stream';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { fastify, type FastifyInstance, type onSendHookHandler } from 'fastify';
import type { Config } from '../../platform/config/config.js';
import { logRequests } from '../../platform/http/access-log.js';
import { DomainError } from '../../platform/http/domain-error.js';
import { spareWhatIsKnown } from '../../platform/http/entity-tag.js';
import { acceptJsonOnly } from '../../platform/http/json-body.js';
import { portTaken } from '../../platform/http/listen.js';
import { watchRoutes } from '../../platform/http/other-methods.js';
import { answerProblem } from '../../platform/http/problem.filter.js';
import { identify, identifyRequests, requestId } from '../../platform/http/request-identity.js';
import { allowOrigins, LEAST_HEADERS, sendSecurityHeaders } from '../../platform/http/security-headers.js';
import { serveSecurityTxt } from '../../platform/http/security-txt.js';
import type { Logger } from '../../platform/telemetry/logger.js';
import type { Tracing } from '../../platform/telemetry/tracing.js';
import { serveOpenApi } from './openapi.js';

const BODY_LIMIT = 256 * 1024;

export interface ApiServer {
  adapter: FastifyAdapter;
  /** To be called when all routes are there. */
  refuseOtherMethods: () => void;
}

/** The API's HTTP server: limits, request ids, headers, bodies, the log, and problem+json for what never reaches Nest. */
export async function createApiServer(config: Config, logger: Logger, tracing: Tracing): Promise<ApiServer> {
  const server = fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout: 30_000,
    connectionTimeout: 60_000,
    keepAliveTimeout: 72_000,
    routerOptions: { maxParamLength: 300 },
    return503OnClosing: false,
    // Node would refuse by itself, and not with a problem: see requireHost.
    http: { requireHostHeader: false },
    genReqId: (request) => requestId(request.headers['x-request-id']),
    frameworkErrors: (error, request, reply) => {
      identify(request, reply, tracing); // an address that can not be read gets to no hook
      void reply.headers(LEAST_HEADERS);
      answerProblem(error, request, reply, logger);
    },
    clientErrorHandler: (_error, socket) => {
      if (socket.writable) socket.end(MALFORMED);
    },
  });
  const refuseOtherMethods = watchRoutes(server);
  endUnreadStreams(server);
  identifyRequests(server, tracing);
  await sendSecurityHeaders(server);
  await allowOrigins(server, config.corsOrigins);
  requireHost(server);
  acceptJsonOnly(server);
  spareWhatIsKnown(server);
  logRequests(server, logger);
  serveSecurityTxt(server, config.securityContacts);
  return { adapter: new FastifyAdapter(server), refuseOtherMethods };
}

/** What HEAD opens nobody reads. Fastify would take a stream to its end, and a live one has none. */
function endUnreadStreams(server: FastifyInstance): void {
  server.addHook('onRoute', (route) => {
    if (route.method !== 'HEAD') return;
    route.onSend = [destroyStream, ...[route.onSend ?? []].flat()];
  });
}

const destroyStream: onSendHookHandler = (_request, _reply, payload, done) => {
  if (payload instanceof Readable) payload.destroy();
  done(null, payload);
};

/** RFC 9112, section 3.2. */
function requireHost(server: FastifyInstance): void {
  server.addHook('onRequest', ({ headers, raw }, _reply, done) => {
    const missing = headers.host === undefined && raw.httpVersion === '1.1';
    done(missing ? new DomainError('malformed', 'malformed_request', 'The request has no Host header.') : undefined);
  });
}

/** What a client gets that does not speak HTTP: too early for anything but raw bytes. */
const MALFORMED_BODY = JSON.stringify({
  type: 'https://waypost.dev/errors#malformed_request',
  title: 'Malformed request',
  status: 400,
  detail: 'The request is not well-formed HTTP.',
  instance: '/',
  code: 'malformed_request',
  traceId: '',
});
const MALFORMED = [
  'HTTP/1.1 400 Bad Request',
  'content-type: application/problem+json; charset=utf-8',
  ...Object.entries(LEAST_HEADERS).map(([name, value]) => `${name}: ${value}`),
  `content-length: ${Buffer.byteLength(MALFORMED_BODY)}`,
  'connection: close',
  '',
  MALFORMED_BODY,
].join('\r\n');

/** Adds the API's documents and opens its port. */
export async function openApi(
  app: NestFastifyApplication,
  { refuseOtherMethods }: ApiServer,
  { host, ports }: Config,
): Promise<void> {
  serveOpenApi(app);
  await app.init();
  refuseOtherMethods();
  try {
    await app.listen(ports.api, host);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EADDRINUSE' ? portTaken(ports.api, 'PORT') : error;
  }
}
