import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { DomainError } from '../platform/http/domain-error.js';
import { toPublicId } from '../platform/ids.js';
import { Authenticator } from './authenticator.js';

/** Looks at credentials again while an answer goes on: see Context.stillHolds. */
@Injectable()
export class AccessReader {
  constructor(private readonly authenticator: Authenticator) {}

  /** Whether these credentials still open what they opened for this context. */
  async isInForce(ctx: Context, authorization: string | undefined, permission: string): Promise<boolean> {
    try {
      const tenant = ctx.platform ? undefined : toPublicId('tnt', ctx.tenantId);
      const now = await this.authenticator.authenticate(authorization, ctx, tenant);
      const asFree = isDeepStrictEqual(now.restrictions, ctx.restrictions);
      return now.tenantId === ctx.tenantId && now.permissions.has(permission) && asFree;
    } catch (error) {
      if (error instanceof DomainError) return false;
      throw error;
    }
  }
}
