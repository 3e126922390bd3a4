import { Body, Controller, Delete, Get, Param, Patch, Post, Put, Query } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Ctx } from '../platform/http/access.js';
import { IfMatch, OwnAddress } from '../platform/http/request-facts.js';
import { project } from './projection.js';
import type { Values } from './resource-values.js';
import { GROUP } from './scim-attributes.js';
import { ScimAccess, TakesIfMatch, TakesScim } from './scim-access.js';
import { listResponse, toGroup } from './scim-resources.js';
import {
  type ListResources,
  listResources,
  listResponseSchema,
  type PatchResource,
  patchResource,
  resourceResponse,
  type ShownResource,
  shownResource,
  writtenGroup,
} from './scim.schemas.js';
import { ScimGroupsService, type GroupView } from './scim-groups.service.js';

/** RFC 7644 for groups, as Okta and Entra ID push them. */
@Controller('scim/v2/Groups')
export class ScimGroupsController {
  constructor(private readonly groups: ScimGroupsService) {}

  @Post()
  @TakesScim()
  @ScimAccess('scim:write', { returns: resourceResponse, status: 201 })
  async create(
    @Ctx() ctx: Context,
    @OwnAddress() base: string,
    @Body({ schema: writtenGroup }) body: Values,
    @Query({ schema: shownResource }) query: ShownResource,
  ) {
    return shown(await this.groups.create(ctx, body), base, query);
  }

  @Get()
  @ScimAccess('scim:read', { returns: listResponseSchema })
  async list(@Ctx() ctx: Context, @OwnAddress() base: string, @Query({ schema: listResources }) query: ListResources) {
    const { total, views } = await this.groups.list(ctx, query);
    return listResponse(
      views.map((view) => shown(view, base, query)),
      total,
      query.startIndex,
    );
  }

  @Get(':id')
  @ScimAccess('scim:read', { returns: resourceResponse })
  async get(
    @Ctx() ctx: Context,
    @OwnAddress() base: string,
    @Param('id') id: string,
    @Query({ schema: shownResource }) query: ShownResource,
  ) {
    return shown(await this.groups.get(ctx, id, query), base, query);
  }

  @Put(':id')
  @TakesScim()
  @TakesIfMatch()
  @ScimAccess('scim:write', { returns: resourceResponse })
  async replace(
    @Ctx() ctx: Context,
    @OwnAddress() base: string,
    @IfMatch() ifMatch: string | undefined,
    @Param('id') id: string,
    @Body({ schema: writtenGroup }) body: Values,
    @Query({ schema: shownResource }) query: ShownResource,
  ) {
    return shown(await this.groups.replace(ctx, id, body, ifMatch), base, query);
  }

  @Patch(':id')
  @TakesScim()
  @TakesIfMatch()
  @ScimAccess('scim:write', { returns: resourceResponse })
  async patch(
    @Ctx() ctx: Context,
    @OwnAddress() base: string,
    @IfMatch() ifMatch: string | undefined,
    @Param('id') id: string,
    @Body({ schema: patchResource }) body: PatchResource,
    @Query({ schema: shownResource }) query: ShownResource,
  ) {
    return shown(await this.groups.patch(ctx, id, body, ifMatch), base, query);
  }

  @Delete(':id')
  @TakesIfMatch()
  @ScimAccess('scim:write', { status: 204 })
  async delete(@Ctx() ctx: Context, @IfMatch() ifMatch: string | undefined, @Param('id') id: string) {
    await this.groups.delete(ctx, id, ifMatch);
  }
}

const shown = ({ group, members }: GroupView, base: string, query: ShownResource): Values =>
  project(GROUP, toGroup(group, members, `${base}/scim/v2`), query);
