const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A UUID as it may stand in a literal statement: nothing else comes through. */
export function literalUuid(id: string): string {
  if (!UUID.test(id)) throw new Error('An id must be a UUID');
  return `'${id}'`;
}

/** A literal SET LOCAL, not set_config(): on Citus only the former reaches the workers. */
export const setTenant = (tenantId: string): string => `SET LOCAL app.tenant_id = ${literalUuid(tenantId)}`;
