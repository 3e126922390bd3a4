/** What an API key or a member can be allowed to do. A key without a list has them all. */
export const SCOPES = [
  'links:read',
  'links:write',
  'domains:read',
  'domains:write',
  'analytics:read',
  'audit:read',
  'api-keys:read',
  'api-keys:write',
  'members:read',
  'members:write',
  'identity-providers:read',
  'identity-providers:write',
  'tenant:read',
  'tenant:write',
  'scim:read',
  'scim:write',
] as const;
type Scope = (typeof SCOPES)[number];

/**
 * What the platform's operators may do, and nobody else. They own no tenant's links; the audit trail they read is the
 * platform's own.
 */
export const PLATFORM_PERMISSIONS = [
  'tenants:read',
  'tenants:write',
  'ops:read',
  'ops:write',
  'audit:read',
  'tls:read',
] as const;

/** What TLS_ASK_KEY opens: whether a hostname is served, and nothing else. */
export const TLS_PROXY_PERMISSIONS = ['tls:read'] as const satisfies ReadonlyArray<
  (typeof PLATFORM_PERMISSIONS)[number]
>;

export const ROLES = ['owner', 'admin', 'editor', 'analyst', 'viewer'] as const;
export type Role = (typeof ROLES)[number];

const VIEWER = ['links:read', 'domains:read', 'tenant:read'] as const;
const ANALYST = [...VIEWER, 'analytics:read'] as const;
const EDITOR = [...ANALYST, 'links:write'] as const;
const ADMIN = [
  ...EDITOR,
  'domains:write',
  'audit:read',
  'api-keys:read',
  'api-keys:write',
  'members:read',
  'members:write',
  'identity-providers:read',
] as const;

/** What members may do, by role: each role has all of the one below it. The table of docs/api.md. */
export const PERMISSIONS_OF: Readonly<Record<Role, readonly Scope[]>> = {
  owner: SCOPES,
  admin: ADMIN,
  editor: EDITOR,
  analyst: ANALYST,
  viewer: VIEWER,
};

/** Of several roles, the one that may do most; undefined for none. */
export const highestRole = (roles: Iterable<Role | null | undefined>): Role | undefined => {
  const given = new Set(roles);
  return ROLES.find((role) => given.has(role));
};

/** Whether a role may do more than these permissions: nobody gives what they do not have. */
export const exceeds = (role: Role, permissions: ReadonlySet<string>): boolean =>
  PERMISSIONS_OF[role].some((permission) => !permissions.has(permission));
