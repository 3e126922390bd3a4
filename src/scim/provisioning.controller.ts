import { Body, Controller, Get, Put } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Access, Ctx } from '../platform/http/access.js';
import { provisioningResponse, type PutProvisioning, putProvisioning } from './provisioning.schemas.js';
import { ProvisioningService } from './provisioning.service.js';

@Controller('v1/provisioning')
export class ProvisioningController {
  constructor(private readonly provisioning: ProvisioningService) {}

  @Get()
  @Access('identity-providers:read', { returns: provisioningResponse })
  async get(@Ctx() ctx: Context) {
    return this.provisioning.get(ctx);
  }

  @Put()
  @Access('identity-providers:write', { returns: provisioningResponse })
  async put(@Ctx() ctx: Context, @Body({ schema: putProvisioning }) input: PutProvisioning) {
    return this.provisioning.put(ctx, input);
  }
}
