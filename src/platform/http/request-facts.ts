import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';

const HOST = /^[\w.-]+(?::\d+)?$|^\[[\da-fA-F:.]+\](?::\d+)?$/;

const requestOf = (execution: ExecutionContext): FastifyRequest =>
  execution.switchToHttp().getRequest<FastifyRequest>();

/**
 * The address by which the caller has reached this server: `https://waypost.example.com`. It is the caller's own word,
 * and goes into the caller's own answer alone. Empty where it could be no address.
 */
export const OwnAddress = createParamDecorator((_data: unknown, execution: ExecutionContext): string => {
  const { headers } = requestOf(execution);
  const host = String(headers.host ?? '');
  const [protocol = ''] = String(headers['x-forwarded-proto'] ?? 'http').split(',');
  return HOST.test(host) ? `${protocol.trim() === 'https' ? 'https' : 'http'}://${host}` : '';
});

/** The header If-Match. */
export const IfMatch = createParamDecorator(
  (_data: unknown, execution: ExecutionContext): string | undefined => requestOf(execution).headers['if-match'],
);
