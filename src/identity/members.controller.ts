import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import type { Context } from '../platform/context/context.js';
import { Access, Ctx } from '../platform/http/access.js';
import { publicId } from '../platform/ids.js';
import {
  type InviteMember,
  inviteMember,
  type ListMembers,
  listMembers,
  memberPage,
  memberResponse,
  type RemoveMember,
  removeMember,
  toMemberResponse,
  type UpdateMember,
  updateMember,
} from './member.schemas.js';
import { MembersService } from './members.service.js';

const memberId = publicId('mem');

@Controller('v1/members')
export class MembersController {
  constructor(private readonly members: MembersService) {}

  @Post()
  @Access('members:write', { returns: memberResponse, status: 201 })
  async invite(@Ctx() ctx: Context, @Body({ schema: inviteMember }) input: InviteMember) {
    return toMemberResponse(await this.members.invite(ctx, input));
  }

  @Get()
  @Access('members:read', { returns: memberPage })
  async list(@Ctx() ctx: Context, @Query({ schema: listMembers }) query: ListMembers) {
    const { data, nextCursor } = await this.members.list(ctx, query);
    return { data: data.map(toMemberResponse), nextCursor };
  }

  @Patch(':id')
  @Access('members:write', { returns: memberResponse })
  async update(
    @Ctx() ctx: Context,
    @Param('id', { schema: memberId }) id: string,
    @Body({ schema: updateMember }) input: UpdateMember,
  ) {
    return toMemberResponse(await this.members.update(ctx, id, input));
  }

  @Delete(':id')
  @Access('members:write', { status: 204 })
  async remove(
    @Ctx() ctx: Context,
    @Param('id', { schema: memberId }) id: string,
    @Query({ schema: removeMember }) query: RemoveMember,
  ) {
    await this.members.remove(ctx, id, query);
  }
}
