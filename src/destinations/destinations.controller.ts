import { Body, Controller, Get, Put } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Access, Ctx } from '../platform/http/access.js';
import {
  destinationPolicy,
  destinationPolicyResponse,
  type PutDestinationPolicy,
} from './destination-policy.schemas.js';
import { DestinationsService } from './destinations.service.js';

/** A tenant's own policy, and for the platform's operators the one of all. */
@Controller('v1')
export class DestinationsController {
  constructor(private readonly destinations: DestinationsService) {}

  @Get('destination-policy')
  @Access('tenant:read', { returns: destinationPolicyResponse })
  policy(@Ctx() ctx: Context) {
    return this.destinations.policy(ctx);
  }

  @Put('destination-policy')
  @Access('tenant:write', { returns: destinationPolicyResponse })
  put(@Ctx() ctx: Context, @Body({ schema: destinationPolicy }) input: PutDestinationPolicy) {
    return this.destinations.put(ctx, input);
  }

  @Get('ops/destination-policy')
  @Access('ops:read', { returns: destinationPolicyResponse })
  platformPolicy(@Ctx() ctx: Context) {
    return this.destinations.policy(ctx);
  }

  @Put('ops/destination-policy')
  @Access('ops:write', { returns: destinationPolicyResponse })
  putPlatform(@Ctx() ctx: Context, @Body({ schema: destinationPolicy }) input: PutDestinationPolicy) {
    return this.destinations.put(ctx, input);
  }
}
