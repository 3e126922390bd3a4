import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { map, type Observable } from 'rxjs';
import { SCIM_TYPE, speaksScim } from '../../platform/http/scim-error.js';

interface Resource {
  meta?: { location?: string; version?: string };
}

/** Gives what SCIM answers its media type, and a resource its Location and ETag. */
@Injectable()
export class ScimAnswerInterceptor implements NestInterceptor {
  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = execution.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    if (!speaksScim(request)) return next.handle();
    return next.handle().pipe(map((body: unknown) => answer(request, http.getResponse<FastifyReply>(), body)));
  }
}

function answer({ method }: FastifyRequest, reply: FastifyReply, body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return body;
  void reply.header('content-type', SCIM_TYPE);
  const { location, version } = (body as Resource).meta ?? {};
  if (location) void reply.header(method === 'POST' ? 'location' : 'content-location', location);
  if (version) void reply.header('etag', version);
  return body;
}
