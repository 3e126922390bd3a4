import { Body, Controller, Delete, Get, Param, Patch, Post, Put, Query } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Ctx } from '../platform/http/access.js';
import { IfMatch, OwnAddress } from '../platform/http/request-facts.js';
import { project } from './projection.js';
import type { Values } from './resource-values.js';
import { USER } from './scim-attributes.js';
import { ScimAccess, TakesIfMatch, TakesScim } from './scim-access.js';
import { listResponse, toUser } from './scim-resources.js';
import {
  type ListResources,
  listResources,
  listResponseSchema,
  type PatchResource,
  patchResource,
  resourceResponse,
  type ShownResource,
  shownResource,
  writtenUser,
} from './scim.schemas.js';
import { ScimUsersService, type UserView } from './scim-users.service.js';

/** RFC 7644 for users, as Okta and Entra ID speak it. */
@Controller('scim/v2/Users')
export class ScimUsersController {
  constructor(private readonly users: ScimUsersService) {}

  @Post()
  @TakesScim()
  @ScimAccess('scim:write', { returns: resourceResponse, status: 201 })
  async create(
    @Ctx() ctx: Context,
    @OwnAddress() base: string,
    @Body({ schema: writtenUser }) body: Values,
    @Query({ schema: shownResource }) query: ShownResource,
  ) {
    return shown(await this.users.create(ctx, body), base, query);
  }

  @Get()
  @ScimAccess('scim:read', { returns: listResponseSchema })
  async list(@Ctx() ctx: Context, @OwnAddress() base: string, @Query({ schema: listResources }) query: ListResources) {
    const { total, views } = await this.users.list(ctx, query);
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
    return shown(await this.users.get(ctx, id, query), base, query);
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
    @Body({ schema: writtenUser }) body: Values,
    @Query({ schema: shownResource }) query: ShownResource,
  ) {
    return shown(await this.users.replace(ctx, id, body, ifMatch), base, query);
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
    return shown(await this.users.patch(ctx, id, body, ifMatch), base, query);
  }

  @Delete(':id')
  @TakesIfMatch()
  @ScimAccess('scim:write', { status: 204 })
  async delete(@Ctx() ctx: Context, @IfMatch() ifMatch: string | undefined, @Param('id') id: string) {
    await this.users.delete(ctx, id, ifMatch);
  }
}

const shown = ({ user, groups }: UserView, base: string, query: ShownResource): Values =>
  project(USER, toUser(user, groups, `${base}/scim/v2`), query);
