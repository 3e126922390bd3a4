import { type ArgumentsHost, Catch, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../telemetry/logger.js';
import { SCIM_TYPE, speaksScim, toScimError } from './scim-error.js';
import { asDomainError, internalProblem, PROBLEM_TYPE, toProblem } from './problem.js';

/** Seconds after which a caller should try again when a dependency is away, or its own requests still run. */
const RETRY_AFTER: Partial<Record<string, string>> = {
  temporarily_unavailable: '2',
  idempotency_in_progress: '1',
  too_many_questions: '1',
  too_many_changes: '1',
  too_many_exports: '10',
  too_many_listeners: '10',
};

/** Answers every error, whoever threw it, as problem+json. An error that is not the caller's is logged whole. */
export function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): void {
  if (reply.sent) return;
  const instance = request.url.split('?', 1)[0] ?? '/';
  const traceId = request.trace?.traceId ?? '';
  const known = asDomainError(error);
  if (!known) logger.error({ err: error, traceId }, 'A request failed for a reason that is ours');
  else if (known.kind === 'unavailable')
    logger.warn({ reason: String(error), traceId }, 'A dependency does not answer');
  const problem = known ? toProblem(known, instance, traceId) : internalProblem(instance, traceId);
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer');
  const retryAfter = RETRY_AFTER[problem.code];
  if (retryAfter) void reply.header('retry-after', retryAfter);
  if (speaksScim(request)) {
    const told = toScimError(problem);
    return void reply.status(Number(told.status)).header('content-type', SCIM_TYPE).send(JSON.stringify(told));
  }
  void reply.status(problem.status).header('content-type', PROBLEM_TYPE).send(JSON.stringify(problem));
}

@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    answerProblem(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>(), this.logger);
  }
}
