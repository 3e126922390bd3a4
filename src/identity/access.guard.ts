import { type CanActivate, type ExecutionContext, Injectable } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyRequest } from 'fastify';
import { ACCESS, type Permission } from '../platform/http/access.js';
import { addressPrefix, ClientAddress } from '../platform/http/client-address.js';
import { AccessReader } from './access.reader.js';
import { forbidden, unauthenticated } from './api-key.errors.js';
import { Authenticator } from './authenticator.js';

/** Lets a request through to a route whose permission its credentials have. A route that names none is closed. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly authenticator: Authenticator,
    private readonly clientAddress: ClientAddress,
    private readonly access: AccessReader,
  ) {}

  async canActivate(execution: ExecutionContext): Promise<boolean> {
    const permission = this.reflector.get<Permission | undefined>(ACCESS, execution.getHandler());
    if (permission === 'public') return true;
    const request = execution.switchToHttp().getRequest<FastifyRequest>();
    const clientAddress = this.clientAddress.of(request.raw);
    const facts = {
      requestId: request.id,
      traceparent: request.trace.traceparent,
      clientAddress,
      addressPrefix: addressPrefix(clientAddress),
    };
    const { authorization } = request.headers;
    const ctx = await this.authenticator.authenticate(authorization, facts, chosenTenant(request));
    if (permission === undefined) throw unauthenticated();
    if (!ctx.permissions.has(permission)) throw forbidden(permission);
    request.ctx = { ...ctx, stillHolds: () => this.access.isInForce(ctx, authorization, permission) };
    return true;
  }
}

/** Which of their tenants somebody asks for: a token names none. */
function chosenTenant({ headers }: FastifyRequest): string | undefined {
  const header = headers['waypost-tenant'];
  return header === undefined ? undefined : String(header);
}
