import { randomUUID } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../context/context.js';
import { continueTrace } from '../context/trace.js';

declare module 'fastify' {
  interface FastifyRequest {
    trace: { traceId: string; traceparent: string };
    /** Set by the authentication guard; absent on public routes. */
    ctx?: Context;
  }
}

const CLIENT_REQUEST_ID = /^[\w.:-]{1,128}$/;

/** A caller's own request id is kept if it is harmless to log. */
export const requestId = (header: unknown): string =>
  typeof header === 'string' && CLIENT_REQUEST_ID.test(header) ? header : randomUUID();

/** Gives a request its place in a trace, and tells the caller its id. */
export function identify(request: FastifyRequest, reply: FastifyReply): void {
  request.trace = continueTrace(request.headers.traceparent);
  void reply.header('x-request-id', request.id);
}

export function identifyRequests(server: FastifyInstance): void {
  server.decorateRequest('trace');
  server.addHook('onRequest', (request, reply, done) => {
    identify(request, reply);
    done();
  });
}
