import { Injectable } from '@nestjs/common';
import { type ProvisionedPerson, ProvisionedMembersRecorder } from '../identity/provisioned-members.recorder.js';
import type { Context, Tx } from '../platform/context/context.js';
import { type GroupRoles, roleOfGroups } from './group-roles.js';
import { ScimGroupsRepository } from './scim-groups.repository.js';
import { addressOf, nameOf } from './scim-resources.js';
import { ScimSettingsRepository } from './scim-settings.repository.js';
import type { ScimUserEntity } from './scim-user.entity.js';
import { ScimUsersRepository } from './scim-users.repository.js';

/** Makes members of the directory's users, with the roles that their groups give. */
@Injectable()
export class DirectoryRolesService {
  constructor(
    private readonly users: ScimUsersRepository,
    private readonly groups: ScimGroupsRepository,
    private readonly settings: ScimSettingsRepository,
    private readonly members: ProvisionedMembersRecorder,
  ) {}

  /** @throws DomainError as ProvisionedMembersRecorder.settle */
  async settle(tx: Tx, ctx: Context, users: ScimUserEntity[], absent: 'create' | 'leave'): Promise<void> {
    const roles = await this.settings.get(tx);
    const names = await this.groupNames(tx, users);
    const people = users.map((user) => personOf(user, roles, names.get(user.id) ?? []));
    await this.members.settle(tx, ctx, people, absent);
  }

  /** After a change of their groups, which is one of theirs. */
  async groupsChanged(tx: Tx, ctx: Context, userIds: readonly string[]): Promise<void> {
    await this.users.touch(tx, userIds, new Date());
    await this.settle(tx, ctx, await this.users.byIds(tx, userIds), 'leave');
  }

  /** After a change of what groups give: of those alone to whom it makes a difference. */
  async rolesChanged(tx: Tx, ctx: Context, before: GroupRoles, after: GroupRoles): Promise<void> {
    const users = await this.users.all(tx);
    const names = await this.groupNames(tx, users);
    const touched = users.filter(({ id }) => {
      const groups = names.get(id) ?? [];
      return roleOfGroups(before, groups) !== roleOfGroups(after, groups);
    });
    await this.settle(tx, ctx, touched, 'leave');
  }

  private async groupNames(tx: Tx, users: ScimUserEntity[]): Promise<Map<string, string[]>> {
    const memberships = await this.groups.groupsOf(
      tx,
      users.map(({ id }) => id),
    );
    const byUser = Map.groupBy(memberships, ({ userId }) => userId);
    return new Map([...byUser].map(([userId, list]) => [userId, list.map(({ display }) => display)]));
  }
}

const personOf = (user: ScimUserEntity, roles: GroupRoles, groups: string[]): ProvisionedPerson => ({
  id: user.id,
  userName: user.userName,
  externalId: user.externalId,
  // By characters, not by their halves: half of one can not be stored.
  name: [...nameOf(user)].slice(0, 200).join(''),
  email: addressOf(user),
  active: user.active,
  role: roleOfGroups(roles, groups),
});
