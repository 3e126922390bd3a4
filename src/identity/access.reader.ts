import { Injectable } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { DomainError } from '../platform/http/domain-error.js';
import { Authenticator } from './authenticator.js';

/** What other modules may ask of credentials while an answer goes on. */
@Injectable()
export class AccessReader {
  constructor(private readonly authenticator: Authenticator) {}

  /** Whether these credentials still open what they opened for this context. */
  async isInForce(ctx: Context, authorization: string | undefined, permission: string): Promise<boolean> {
    try {
      const { tenantId, permissions } = await this.authenticator.authenticate(authorization, ctx);
      return tenantId === ctx.tenantId && permissions.has(permission);
    } catch (error) {
      if (error instanceof DomainError) return false;
      throw error;
    }
  }
}
