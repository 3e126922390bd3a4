import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Observable, tap } from 'rxjs';
import { linkToNext } from './pagination.js';

/** Gives every page that has a next one its `Link: rel="next"`. */
@Injectable()
export class NextLinkInterceptor implements NestInterceptor {
  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = execution.switchToHttp();
    return next
      .handle()
      .pipe(
        tap((body: unknown) => linkToNext(http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>(), body)),
      );
  }
}
