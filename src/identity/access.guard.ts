import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { ACCESS, type Permission } from '../platform/http/access.js';
import { forbidden, unauthenticated } from './api-key.errors.js';
import { Authenticator } from './authenticator.js';

/** Lets a request through to a route whose permission its credentials have. A route that names none is closed. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly authenticator: Authenticator,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const permission = this.reflector.get<Permission | undefined>(ACCESS, execution.getHandler());
    if (permission === 'public') return true;
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const facts = { requestId: request.id, traceparent: request.trace.traceparent };
    const ctx = await this.authenticator.authenticate(request.headers.authorization, facts);
    if (permission === undefined) throw unauthenticated();
    if (!ctx.permissions.has(permission)) throw forbidden(permission);
    request.ctx = ctx;
    return true;
  }
}
