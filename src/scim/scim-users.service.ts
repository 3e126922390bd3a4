import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { AuditRecorder } from '../audit/audit.recorder.js';
import { ProvisionedMembersRecorder } from '../identity/provisioned-members.recorder.js';
import type { Context, Tx } from '../platform/context/context.js';
import { Transactions } from '../platform/database/transactions.js';
import { newId, publicId } from '../platform/ids.js';
import { DirectoryChangesService } from './directory-changes.service.js';
import { DirectoryRolesService } from './directory-roles.service.js';
import { parseFilter } from './filter.js';
import { filterToSql } from './filter-sql.js';
import { assertUnchanged } from './precondition.js';
import { shows } from './projection.js';
import { applyPatch } from './patch.js';
import { readResource, type Values } from './resource-values.js';
import { USER } from './scim-attributes.js';
import type { ListResources, PatchResource, ShownResource } from './scim.schemas.js';
import { ScimGroupsRepository } from './scim-groups.repository.js';
import { addressOf, type Membership, userPublicId, userValues } from './scim-resources.js';
import type { ScimUserEntity } from './scim-user.entity.js';
import { ScimUsersRepository, USER_COLUMNS } from './scim-users.repository.js';
import { invalidValue, userNotFound } from './scim.errors.js';

/** A user, with the groups that it shows. */
export interface UserView {
  user: ScimUserEntity;
  groups: Membership[];
}

/** Bytes that the attributes of one person may take as JSON. */
const MOST_BYTES = 32 * 1024;
const memberId = publicId('mem');

@Injectable()
export class ScimUsersService {
  constructor(
    private readonly transactions: Transactions,
    private readonly users: ScimUsersRepository,
    private readonly groups: ScimGroupsRepository,
    private readonly changes: DirectoryChangesService,
    private readonly roles: DirectoryRolesService,
    private readonly members: ProvisionedMembersRecorder,
    private readonly audit: AuditRecorder,
  ) {}

  /** Whoever is a member by their address already goes on as the same one. */
  async create(ctx: Context, body: Values): Promise<UserView> {
    return this.changes.run(ctx, async (tx) => {
      const now = new Date();
      const kept = columnsOf(readResource(USER, body));
      const id = (await this.members.knownByAddress(tx, addressOf(kept))) ?? newId();
      const user = { ...kept, tenantId: tx.tenantId, id, version: 1, createdAt: now, updatedAt: now };
      await this.users.insert(tx, user);
      await this.roles.settle(tx, ctx, [user], 'create');
      await this.changed(tx, ctx, 'created', undefined, user);
      return { user, groups: [] };
    });
  }

  async get(ctx: Context, id: string, projection: ShownResource): Promise<UserView> {
    return this.transactions.run(ctx, async (tx) => {
      const user = await this.users.get(tx, idOf(id));
      return { user, groups: shows(USER, projection, 'groups') ? await this.groups.groupsOf(tx, [user.id]) : [] };
    });
  }

  async list(ctx: Context, query: ListResources): Promise<{ total: number; views: UserView[] }> {
    const filter = query.filter === undefined ? undefined : parseFilter(query.filter);
    const condition = (first: number) =>
      filter ? filterToSql(USER, USER_COLUMNS, filter, first) : { sql: 'true', parameters: [] };
    return this.transactions.run(ctx, async (tx) => {
      const total = await this.users.count(tx, condition(2));
      const users = query.count === 0 ? [] : await this.users.list(tx, condition(4), query.count, query.startIndex - 1);
      // One reading however many pages it has; who asks whether somebody is there, and hears no, has read nothing.
      if (query.startIndex === 1 && users.length > 0) await this.audit.recordRead(tx, ctx, 'scim_user.listed');
      const ids = users.map(({ id }) => id);
      const groups = shows(USER, query, 'groups') ? await this.groups.groupsOf(tx, ids) : [];
      const byUser = Map.groupBy(groups, ({ userId }) => userId);
      return { total, views: users.map((user) => ({ user, groups: byUser.get(user.id) ?? [] })) };
    });
  }

  async replace(ctx: Context, id: string, body: Values, ifMatch: string | undefined): Promise<UserView> {
    return this.change(ctx, id, ifMatch, ({ active }) => {
      const values = readResource(USER, body);
      // Who leaves it out does not mean to let anybody in again, or to shut anybody out.
      return { active, ...values };
    });
  }

  async patch(ctx: Context, id: string, { Operations }: PatchResource, ifMatch: string | undefined): Promise<UserView> {
    return this.change(ctx, id, ifMatch, (values) => applyPatch(USER, values, Operations));
  }

  async delete(ctx: Context, id: string, ifMatch: string | undefined): Promise<void> {
    await this.changes.run(ctx, async (tx) => {
      const user = await this.users.get(tx, idOf(id));
      assertUnchanged(user, ifMatch);
      const groups = await this.groups.groupsOf(tx, [user.id]);
      await this.users.delete(tx, user.id);
      await this.groups.touch(
        tx,
        groups.map(({ groupId }) => groupId),
        new Date(),
      );
      await this.members.remove(tx, ctx, user.id);
      await this.changed(tx, ctx, 'deleted', user, undefined);
    });
  }

  private async change(
    ctx: Context,
    id: string,
    ifMatch: string | undefined,
    next: (before: Values) => Values,
  ): Promise<UserView> {
    return this.changes.run(ctx, async (tx) => {
      const before = await this.users.get(tx, idOf(id));
      assertUnchanged(before, ifMatch);
      const groups = await this.groups.groupsOf(tx, [before.id]);
      const kept = columnsOf(next(userValues(before)));
      const user = { ...before, ...kept };
      if (isDeepStrictEqual(user, { ...before })) return { user, groups };
      Object.assign(user, { version: before.version + 1, updatedAt: new Date() });
      const { version, updatedAt } = user;
      await this.users.update(tx, user.id, { ...kept, version, updatedAt });
      await this.roles.settle(tx, ctx, [user], user.active && !before.active ? 'create' : 'leave');
      await this.changed(tx, ctx, 'updated', before, user);
      return { user, groups };
    });
  }

  private async changed(
    tx: Tx,
    ctx: Context,
    action: 'created' | 'updated' | 'deleted',
    before?: ScimUserEntity,
    after?: ScimUserEntity,
  ): Promise<void> {
    await this.audit.record(tx, ctx, {
      action: `scim_user.${action}`,
      target: userPublicId((after ?? before)?.id ?? ''),
      ...(before && { before: shownOf(before) }),
      ...(after && { after: { ...shownOf(after), changed: changedBetween(before, after) } }),
    });
  }
}

/** What an event keeps of somebody, which it does for ever: who they are, and whether they may come. */
const shownOf = ({ userName, externalId, active }: ScimUserEntity) => ({ userName, externalId, active });

/** Of all else the names alone: telephone numbers and addresses end with the user, as documented. */
function changedBetween(before: ScimUserEntity | undefined, after: ScimUserEntity): string[] {
  const old: Values = before ? userValues(before) : {};
  const now = userValues(after);
  const names = new Set([...Object.keys(old), ...Object.keys(now)]);
  return [...names].filter((name) => !isDeepStrictEqual(old[name], now[name]));
}

/** An id that can be none is not there. */
function idOf(text: string): string {
  const id = memberId.safeParse(text).data;
  if (id === undefined) throw userNotFound();
  return id;
}

/** @throws DomainError 400 */
function columnsOf({ userName, externalId = null, active = true, ...attributes }: Values) {
  if (typeof userName !== 'string' || userName.trim() === '') throw invalidValue('userName is required.');
  if (userName.length > 254 || String(externalId ?? '').length > 254) {
    throw invalidValue('userName and externalId have at most 254 characters.');
  }
  if (JSON.stringify(attributes).length > MOST_BYTES) throw invalidValue('The user has more than 32 kB of attributes.');
  return {
    userName: userName.trim(),
    externalId: externalId as string | null,
    active: active as boolean,
    attributes,
  };
}
