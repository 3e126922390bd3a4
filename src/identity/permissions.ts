/** What an API key can be allowed to do. A key without a list has them all. */
export const SCOPES = [
  'links:read',
  'links:write',
  'domains:read',
  'domains:write',
  'analytics:read',
  'audit:read',
  'api-keys:read',
  'api-keys:write',
  'tenant:read',
  'tenant:write',
] as const;

/** What the platform's operators may do, and nobody else. They own no tenant's links. */
export const PLATFORM_PERMISSIONS = ['tenants:read', 'tenants:write', 'ops:read', 'ops:write'] as const;
