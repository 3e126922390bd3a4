import { applyDecorators, createParamDecorator, type ExecutionContext, HttpCode, SetMetadata } from '@nestjs/common';
import { ApiBearerAuth, ApiProduces, ApiResponse } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Context } from '../context/context.js';
import { problemSchema } from './problem.schema.js';

/** `resource:read` or `resource:write`; `public` routes ask for no credentials. */
export type Permission = `${string}:${'read' | 'write'}` | 'public';

export const ACCESS = Symbol('access');

interface Answer {
  /** Shape of the success answer, for the OpenAPI document. */
  returns?: z.ZodType;
  /** Its status: 200 unless said. */
  status?: 200 | 201 | 204;
  /** Its media types: JSON unless said. */
  types?: string[];
  /** Shape of the answers that tell of errors: problems unless said. */
  problems?: z.ZodType;
}

/** What a route asks of its caller and what it answers. A route without it can not be reached: the guard refuses. */
export function Access(
  permission: Permission,
  { returns, status = 200, types, problems: errors = problemSchema }: Answer = {},
): MethodDecorator {
  const success = ApiResponse({
    status,
    description: DESCRIPTIONS[status],
    ...(returns && { standardSchema: returns }),
  });
  const problems = ApiResponse({
    status: 'default',
    description: errors === problemSchema ? 'A problem (RFC 9457)' : 'An error',
    standardSchema: errors,
  });
  const marks = [
    SetMetadata(ACCESS, permission),
    HttpCode(status),
    success,
    problems,
    ...(types ? [ApiProduces(...types)] : []),
  ];
  return applyDecorators(...(permission === 'public' ? marks : [...marks, ApiBearerAuth()]));
}

const DESCRIPTIONS = { 200: 'Done', 201: 'Created', 204: 'Done; there is nothing to return' } as const;

/** The context of the request: who asks and for which tenant. */
export const Ctx = createParamDecorator((_data: unknown, execution: ExecutionContext): Context => {
  const { ctx } = execution.switchToHttp().getRequest<FastifyRequest>();
  if (!ctx) throw new Error('A route without credentials asked for a context');
  return ctx;
});
