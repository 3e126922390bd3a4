import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import type { Context, Tx } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { newId, publicId } from '../platform/ids.js';
import { DirectoryChangesService } from './directory-changes.service.js';
import { DirectoryRolesService } from './directory-roles.service.js';
import { parseFilter } from './filter.js';
import { filterToSql } from './filter-sql.js';
import { applyPatch } from './patch.js';
import { assertUnchanged } from './precondition.js';
import { shows } from './projection.js';
import { isObject, readResource, type Values } from './resource-values.js';
import { GROUP } from './scim-attributes.js';
import type { ScimGroupEntity } from './scim-group.entity.js';
import { GROUP_COLUMNS, ScimGroupsRepository } from './scim-groups.repository.js';
import { groupPublicId, type Membership, userPublicId } from './scim-resources.js';
import type { ListResources, PatchResource, ShownResource } from './scim.schemas.js';
import { ScimUsersRepository } from './scim-users.repository.js';
import { groupNotFound, invalidValue } from './scim.errors.js';

/** A group, with the members that it shows. */
export interface GroupView {
  group: ScimGroupEntity;
  members: Membership[];
}

/** Of all groups of a page, which ends early instead: RFC 7644 lets it. */
const MOST_SHOWN = 20_000;
/** Of an audit event, which says how many there were besides. */
const MOST_NAMED = 100;

const groupId = publicId('grp');
const memberId = publicId('mem');

@Injectable()
export class ScimGroupsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly groups: ScimGroupsRepository,
    private readonly users: ScimUsersRepository,
    private readonly changes: DirectoryChangesService,
    private readonly roles: DirectoryRolesService,
    private readonly audit: AuditRecorder,
  ) {}

  async create(ctx: Context, body: Values): Promise<GroupView> {
    return this.changes.run(ctx, async (tx) => {
      const now = new Date();
      const { memberIds, ...kept } = columnsOf(readResource(GROUP, body));
      const group = { ...kept, tenantId: tx.tenantId, id: newId(), version: 1, createdAt: now, updatedAt: now };
      await this.groups.insert(tx, group);
      await this.putMembers(tx, ctx, group, { added: memberIds, removed: [], settled: memberIds });
      await this.changed(tx, ctx, 'created', undefined, { ...kept, added: named(memberIds) }, group.id);
      return { group, members: await this.groups.membersOf(tx, [group.id]) };
    });
  }

  async get(ctx: Context, id: string, projection: ShownResource): Promise<GroupView> {
    return this.transactions.run(ctx, async (tx) => {
      const group = await this.groups.get(tx, idOf(id));
      const members = shows(GROUP, projection, 'members') ? await this.groups.membersOf(tx, [group.id]) : [];
      return { group, members };
    });
  }

  async list(ctx: Context, query: ListResources): Promise<{ total: number; views: GroupView[] }> {
    const filter = query.filter === undefined ? undefined : parseFilter(query.filter);
    const condition = (first: number) =>
      filter ? filterToSql(GROUP, GROUP_COLUMNS, filter, first) : { sql: 'true', parameters: [] };
    const withMembers = shows(GROUP, query, 'members');
    return this.transactions.run(ctx, async (tx) => {
      const total = await this.groups.count(tx, condition(2));
      const found =
        query.count === 0 ? [] : await this.groups.list(tx, condition(4), query.count, query.startIndex - 1);
      const page = withMembers ? asManyAsFit(found) : found;
      const ids = withMembers ? page.map(({ id }) => id) : [];
      const byGroup = Map.groupBy(await this.groups.membersOf(tx, ids), (one) => one.groupId);
      return { total, views: page.map((group) => ({ group, members: byGroup.get(group.id) ?? [] })) };
    });
  }

  async replace(ctx: Context, id: string, body: Values, ifMatch: string | undefined): Promise<GroupView> {
    return this.change(ctx, id, ifMatch, () => readResource(GROUP, body));
  }

  async patch(ctx: Context, id: string, input: PatchResource, ifMatch: string | undefined): Promise<GroupView> {
    return this.change(ctx, id, ifMatch, (values) => applyPatch(GROUP, values, input.Operations));
  }

  /** Whoever was in it has the roles of their other groups. */
  async delete(ctx: Context, id: string, ifMatch: string | undefined): Promise<void> {
    await this.changes.run(ctx, async (tx) => {
      const group = await this.groups.get(tx, idOf(id));
      assertUnchanged(group, ifMatch);
      const memberIds = (await this.groups.membersOf(tx, [group.id])).map(({ userId }) => userId);
      await this.groups.delete(tx, group.id);
      await this.roles.groupsChanged(tx, ctx, memberIds);
      await this.changed(tx, ctx, 'deleted', { ...shownOf(group), removed: named(memberIds) }, undefined, group.id);
    });
  }

  private async change(
    ctx: Context,
    id: string,
    ifMatch: string | undefined,
    next: (before: Values) => Values,
  ): Promise<GroupView> {
    return this.changes.run(ctx, async (tx) => {
      const before = await this.groups.get(tx, idOf(id));
      assertUnchanged(before, ifMatch);
      const members = await this.groups.membersOf(tx, [before.id]);
      const known = members.map(({ userId }) => userId);
      const { memberIds, ...kept } = columnsOf(next(valuesOf(before, known)));
      const [added, removed] = [without(memberIds, known), without(known, memberIds)];
      const renamed = !isDeepStrictEqual(kept, shownOf(before));
      if (!renamed && added.length === 0 && removed.length === 0) return { group: before, members };
      const group = { ...before, ...kept, version: before.version + 1, updatedAt: new Date() };
      const { version, updatedAt } = group;
      await this.groups.update(tx, group.id, { ...kept, version, updatedAt });
      const settled = renamed ? [...new Set([...known, ...memberIds])] : [...added, ...removed];
      await this.putMembers(tx, ctx, group, { added, removed, settled });
      const after = { ...kept, added: named(added), removed: named(removed) };
      await this.changed(tx, ctx, 'updated', shownOf(before), after, group.id);
      return { group, members: await this.groups.membersOf(tx, [group.id]) };
    });
  }

  private async putMembers(
    tx: Tx,
    ctx: Context,
    group: ScimGroupEntity,
    { added, removed, settled }: Record<'added' | 'removed' | 'settled', string[]>,
  ): Promise<void> {
    const there = new Set((await this.users.byIds(tx, added)).map(({ id }) => id));
    if (added.some((id) => !there.has(id))) throw noSuchMember();
    await this.groups.removeMembers(tx, group.id, removed);
    await this.groups.addMembers(tx, group.id, added);
    await this.roles.groupsChanged(tx, ctx, settled);
  }

  private async changed(
    tx: Tx,
    ctx: Context,
    action: 'created' | 'updated' | 'deleted',
    before: object | undefined,
    after: object | undefined,
    id: string,
  ): Promise<void> {
    await this.audit.record(tx, ctx, {
      action: `scim_group.${action}`,
      target: groupPublicId(id),
      ...(before && { before }),
      ...(after && { after }),
    });
  }
}

const shownOf = ({ displayName, externalId }: ScimGroupEntity) => ({ displayName, externalId });

const valuesOf = ({ displayName, externalId }: ScimGroupEntity, memberIds: string[]): Values => ({
  displayName,
  ...(externalId !== null && { externalId }),
  members: memberIds.map((id) => ({ value: userPublicId(id) })),
});

/** Members of a change as the audit trail has them. */
const named = (ids: string[]) => ({ count: ids.length, members: ids.slice(0, MOST_NAMED).map(userPublicId) });

function without(ids: string[], others: string[]): string[] {
  const gone = new Set(others);
  return ids.filter((id) => !gone.has(id));
}

/** An id that can be none is not there. */
function idOf(text: string): string {
  const id = groupId.safeParse(text).data;
  if (id === undefined) throw groupNotFound();
  return id;
}

/** @throws DomainError 400 */
function columnsOf({ displayName, externalId = null, members = [] }: Values) {
  if (typeof displayName !== 'string' || displayName.trim() === '') throw invalidValue('displayName is required.');
  if (displayName.length > 254 || String(externalId ?? '').length > 254) {
    throw invalidValue('displayName and externalId have at most 254 characters.');
  }
  const memberIds = [...new Set((members as unknown[]).map(memberIdOf))];
  return { displayName: displayName.trim(), externalId: externalId as string | null, memberIds };
}

const noSuchMember = () => invalidValue('A member of the group is no user of this directory.');

function memberIdOf(member: unknown): string {
  const { value, type } = isObject(member) ? member : {};
  if (typeof type === 'string' && type.toLowerCase() !== 'user') throw invalidValue('Groups have users as members.');
  const id = memberId.safeParse(value).data;
  if (id === undefined) throw noSuchMember();
  return id;
}

/** The first whatever its size. */
function asManyAsFit<T extends { size: number }>(groups: T[]): T[] {
  let shown = 0;
  return groups.filter(({ size }, index) => (shown += size) <= MOST_SHOWN || index === 0);
}
