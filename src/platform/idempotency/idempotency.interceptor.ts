import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { Idempotency } from './idempotency.js';

/** Applies `Idempotency-Key` to every POST that carries one. */
@Injectable()
export class IdempotencyInterceptor implements NestInterceptor {
  constructor(private readonly idempotency: Idempotency) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const key = request.headers['idempotency-key'];
    if (request.method !== 'POST' || key === undefined || !request.ctx) return next.handle();
    return from(this.answer(request, execution.switchToHttp().getResponse<FastifyReply>(), String(key), next));
  }

  private async answer(request: FastifyRequest, reply: FastifyReply, key: string, next: CallHandler): Promise<unknown> {
    if (!request.ctx) throw new Error('An idempotent request needs a context');
    const identity = { key, method: request.method, path: request.url, body: request.body };
    const answer = await this.idempotency.run(request.ctx, identity, async () => ({
      body: (await lastValueFrom(next.handle(), { defaultValue: undefined })) as unknown,
      status: reply.statusCode,
    }));
    void reply.status(answer.status);
    if (answer.replayed) void reply.header('idempotency-replayed', 'true');
    return answer.body;
  }
}
