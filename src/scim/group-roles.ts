import { highestRole, type Role } from '../identity/provisioned-members.recorder.js';

/** Which groups give which roles. */
export interface GroupRoles {
  /** By the displayName of a group. */
  groupRoles: Readonly<Record<string, Role>>;
  /** Of whoever is in none of them; null: no access. */
  defaultRole: Role | null;
}

/** Before anybody has said otherwise: to be provisioned alone opens nothing. */
export const NO_ROLES: GroupRoles = { groupRoles: {}, defaultRole: null };

/** What somebody's groups give: of several roles the one that may do most. Names are the same in any case. */
export function roleOfGroups({ groupRoles, defaultRole }: GroupRoles, names: readonly string[]): Role | null {
  const given = new Set(names.map((name) => name.toLowerCase()));
  const roles = Object.entries(groupRoles).flatMap(([name, role]) => (given.has(name.toLowerCase()) ? [role] : []));
  return highestRole(roles) ?? defaultRole;
}
