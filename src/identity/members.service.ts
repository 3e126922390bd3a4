import { Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import { DomainsReader } from '../domains/domains.reader.js';
import type { Context, Tx } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { Cursors, type Page } from '../platform/http/pagination.js';
import { givenFields } from '../platform/http/patch.js';
import { newId, toPublicId } from '../platform/ids.js';
import { ActorsReader, askingMember } from './actors.reader.js';
import { forbidden } from './api-key.errors.js';
import { ApiKeysRecorder } from './api-keys.recorder.js';
import { QuotasRecorder } from '../plans/quotas.recorder.js';
import { refuseLastOwner } from './last-owner.js';
import type { MemberEntity } from './member.entity.js';
import { onlyEditorsAreRestricted, restrictedToUnknownDomain, roleAboveYours } from './member.errors.js';
import {
  type InviteMember,
  type ListMembers,
  type RemoveMember,
  toMemberResponse,
  type UpdateMember,
} from './member.schemas.js';
import { NOT_IN_DIRECTORY, withOwnRole } from './member-standing.js';
import { MembersRepository } from './members.repository.js';
import { exceeds, type Role } from './permissions.js';

@Injectable()
export class MembersService {
  constructor(
    private readonly transactions: Transactions,
    private readonly members: MembersRepository,
    private readonly actors: ActorsReader,
    private readonly domains: DomainsReader,
    private readonly keys: ApiKeysRecorder,
    private readonly audit: AuditRecorder,
    private readonly cursors: Cursors,
    private readonly quotas: QuotasRecorder,
  ) {}

  async invite(ctx: Context, { restrictions, ...input }: InviteMember): Promise<MemberEntity> {
    return this.transactions.run(ctx, async (tx) => {
      const { permissions } = await this.actors.holding(tx, ctx, 'members:write');
      refuseAbove(permissions, input.role);
      const now = new Date();
      const member: MemberEntity = {
        ...input,
        ...columnsOf(restrictions),
        tenantId: tx.tenantId,
        id: newId(),
        status: 'invited',
        ...NOT_IN_DIRECTORY,
        providerId: null,
        subject: null,
        lastSeenAt: null,
        createdBy: ctx.actor,
        createdAt: now,
        updatedAt: now,
      };
      await this.checkRestrictions(tx, member);
      await this.quotas.makeRoom(tx, 'members', () => this.members.count(tx));
      await this.members.insert(tx, member);
      await this.changed(tx, ctx, 'member.invited', undefined, member);
      return member;
    });
  }

  async list(ctx: Context, { limit, cursor }: ListMembers): Promise<Page<MemberEntity>> {
    const list = `members ${ctx.actor}`;
    const [afterId] = this.cursors.read(ctx, list, cursor) ?? [];
    const rows = await this.transactions.run(ctx, async (tx) => {
      if (cursor === undefined) await this.audit.recordRead(tx, ctx, 'member.listed');
      return this.members.list(tx, limit, afterId as string | undefined);
    });
    return this.cursors.page(ctx, list, rows, limit, (member) => [member.id]);
  }

  /** In force at once: members are looked up at every request. */
  async update(ctx: Context, id: string, { restrictions, role, ...input }: UpdateMember): Promise<MemberEntity> {
    return this.transactions.run(ctx, async (tx) => {
      const owners = await this.members.lockOwners(tx);
      // Whoever asks at the same time: by themselves they would come out of the order in which everybody takes members.
      const asking = askingMember(ctx);
      const before = await this.members.lock(tx, id, asking === undefined ? [] : [asking]);
      const { permissions } = await this.actors.holding(tx, ctx, 'members:write');
      const changes = {
        ...givenFields(input),
        ...(role !== undefined && withOwnRole(before, role)),
        ...(restrictions !== undefined && columnsOf(restrictions)),
        updatedAt: new Date(),
      };
      const after = { ...before, ...changes };
      refuseAbove(permissions, before.role, after.role);
      if (after.role !== 'owner') refuseLastOwner(owners, before);
      await this.checkRestrictions(tx, after);
      if (before.status === 'deactivated' && after.status !== 'deactivated') {
        await this.quotas.makeRoom(tx, 'members', () => this.members.count(tx));
      }
      await this.members.update(tx, id, changes);
      await this.changed(tx, ctx, 'member.updated', before, after);
      return after;
    });
  }

  /** In force at once. API keys that the member has made belong to the tenant, and stay unless they are to go, too. */
  async remove(ctx: Context, id: string, { revokeApiKeys }: RemoveMember): Promise<void> {
    if (revokeApiKeys && !ctx.permissions.has('api-keys:write')) throw forbidden('api-keys:write');
    await this.transactions.run(ctx, async (tx) => {
      const owners = await this.members.lockOwners(tx);
      const member = await this.members.lock(tx, id);
      refuseAbove(ctx.permissions, member.role);
      refuseLastOwner(owners, member);
      await this.members.delete(tx, id);
      const { providerId, subject } = member;
      if (providerId !== null && subject !== null) await this.members.shutOut(tx, { providerId, subject });
      await this.changed(tx, ctx, 'member.removed', member, undefined);
      if (revokeApiKeys) await this.keys.revokeMadeBy(tx, ctx, toPublicId('mem', id));
    });
  }

  private async checkRestrictions(tx: Tx, member: MemberEntity): Promise<void> {
    const { role, restrictedDomains, restrictedTags } = member;
    if (role !== 'editor' && (restrictedDomains ?? restrictedTags) !== null) throw onlyEditorsAreRestricted();
    if (restrictedDomains === null) return;
    const known = await this.domains.knownIds(tx, restrictedDomains);
    const unknown = restrictedDomains.findIndex((id) => !known.has(id));
    if (unknown >= 0) throw restrictedToUnknownDomain(unknown);
  }

  private async changed(
    tx: Tx,
    ctx: Context,
    action: `member.${string}`,
    before?: MemberEntity,
    after?: MemberEntity,
  ): Promise<void> {
    await this.audit.record(tx, ctx, {
      action,
      target: toPublicId('mem', (after ?? before)?.id ?? ''),
      ...(before && { before: toMemberResponse(before) }),
      ...(after && { after: toMemberResponse(after) }),
    });
  }
}

/** Neither given nor taken away by who may do less: an admin can not unseat an owner. */
function refuseAbove(permissions: ReadonlySet<string>, ...roles: Role[]): void {
  const above = roles.find((role) => exceeds(role, permissions));
  if (above) throw roleAboveYours(above);
}

const columnsOf = (restrictions: InviteMember['restrictions']) => ({
  restrictedDomains: restrictions?.domains ?? null,
  restrictedTags: restrictions?.tags ?? null,
});
