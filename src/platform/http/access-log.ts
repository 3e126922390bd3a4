import type { FastifyInstance } from 'fastify';
import { sampledTrace } from '../context/trace.js';
import { toPublicId } from '../ids.js';
import type { Logger } from '../telemetry/logger.js';
import { apiDuration } from '../telemetry/metrics.js';

/** One line and one observation a request. Neither holds a query string, a body, a header or an address. */
export function logRequests(server: FastifyInstance, logger: Logger): void {
  server.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unmatched';
    const { statusCode: status, elapsedTime } = reply;
    apiDuration(
      { method: request.method, route, status },
      elapsedTime / 1000,
      sampledTrace(request.trace?.traceparent),
    );
    logger.info(
      {
        method: request.method,
        route,
        status,
        ms: Math.round(elapsedTime * 10) / 10,
        requestId: request.id,
        traceId: request.trace?.traceId,
        ...(request.ctx && !request.ctx.platform && { tenantId: toPublicId('tnt', request.ctx.tenantId) }),
        ...(request.ctx && { actor: request.ctx.actor }),
      },
      'request',
    );
    done();
  });
}
