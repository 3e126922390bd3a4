import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';

/** Answers are data: a browser that shows one as a page may load nothing, run nothing and be framed by nobody. */
const DATA_POLICY = "default-src 'none';frame-ancestors 'none'";

/** The page of the documentation: its own files, and the styles and images that Swagger UI writes into it. */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join(';');
const PAGE = /^\/docs(?:[/?]|$)/;

/** What an answer has that is made too early for hooks. */
export const LEAST_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': DATA_POLICY,
  'x-content-type-options': 'nosniff',
};

/** Helmet's set on every answer; and no answer is kept by anybody, except the documentation. */
export async function sendSecurityHeaders(server: FastifyInstance): Promise<void> {
  await server.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
  });
  server.addHook('onRequest', (request, reply, done) => {
    if (PAGE.test(request.url)) void reply.header('content-security-policy', PAGE_POLICY);
    else void reply.header('cache-control', 'no-store');
    done();
  });
}

/** What pages of other origins may do in a browser: nothing unless origins are named, and never with its cookies. */
export async function allowOrigins(server: FastifyInstance, origins: string[]): Promise<void> {
  if (origins.length === 0) return;
  await server.register(cors, {
    origin: origins,
    credentials: false,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: [
      'Authorization',
      'Content-Type',
      'Idempotency-Key',
      'If-Match',
      'If-None-Match',
      'Last-Event-ID',
      'Traceparent',
      'Waypost-Tenant',
      'X-Request-Id',
    ],
    exposedHeaders: [
      'Allow',
      'ETag',
      'Idempotency-Replayed',
      'Link',
      'RateLimit',
      'RateLimit-Policy',
      'Retry-After',
      'X-Request-Id',
    ],
    maxAge: 600,
    // An OPTIONS that asks for no method is no preflight, and no error either.
    strictPreflight: false,
  });
}
