import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../context/context.js';
import { continueTrace, traceIdOf, traceparentOf } from '../context/trace.js';
import type { Span } from '../telemetry/span.js';
import type { Tracing } from '../telemetry/tracing.js';

declare module 'fastify' {
  interface FastifyRequest {
    trace: { traceId: string; traceparent: string; span?: Span };
    /** Set by the authentication guard; absent on public routes. */
    ctx?: Context;
  }
}

const CLIENT_REQUEST_ID = /^[\w.:-]{1,128}$/;

/** A caller's own request id is kept if it is harmless to log. */
export const requestId = (header: unknown): string =>
  typeof header === 'string' && CLIENT_REQUEST_ID.test(header) ? header : randomUUID();

/** Gives a request its place in a trace, and tells the caller its id. */
export function identify(request: FastifyRequest, reply: FastifyReply, tracing: Tracing): void {
  request.trace = tracing.on ? beginTrace(request, tracing) : continueTrace(request.headers.traceparent);
  void reply.header('x-request-id', request.id);
}

function beginTrace({ method, headers }: FastifyRequest, tracing: Tracing): FastifyRequest['trace'] {
  const parent = traceparentOf(headers.traceparent);
  const attributes = { 'http.request.method': method };
  const span = tracing.enter({ name: method, kind: 'server', parent, attributes });
  if (!span) return continueTrace(parent);
  return { traceId: traceIdOf(span.traceparent), traceparent: span.traceparent, span };
}

export function identifyRequests(server: FastifyInstance, tracing: Tracing): void {
  server.decorateRequest('trace');
  server.addHook('onRequest', (request, reply, done) => {
    identify(request, reply, tracing);
    done();
  });
  server.addHook('onResponse', (request, reply, done) => {
    const { url: route = 'unmatched' } = request.routeOptions;
    request.trace?.span?.end({
      name: `${request.method} ${route}`,
      attributes: { 'http.route': route, 'http.response.status_code': reply.statusCode },
      ...(reply.statusCode >= 500 && { error: String(reply.statusCode) }),
    });
    done();
  });
}
