import type { Client } from 'pg';

/** A literal `SET LOCAL` reaches the workers only so: without it row-level security shows nothing there. */
export const CITUS_LIMITS = { 'citus.propagate_set_commands': 'local' } as const;

/**
 * Whether tables are distributed, or are to be at the first migration. Hash partitions are from a time before the extension:
 * then everything is and stays on this server, as on any.
 */
export const DISTRIBUTED = `(
  EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')
  AND NOT EXISTS (SELECT FROM pg_inherits WHERE inhparent = to_regclass('public.links')))`;

export const IS_CITUS = `SELECT ${DISTRIBUTED} AS citus`;

export async function isCitus(client: Client): Promise<boolean> {
  const { rows } = await client.query<{ citus: boolean }>(IS_CITUS);
  return rows[0]?.citus === true;
}

/** Sessions of the owner set tenants, too. A server without the extension takes it for a setting of nobody's. */
export const OWNER_SETTINGS = Object.entries(CITUS_LIMITS)
  .map(([name, value]) => `SET ${name} = '${value}'`)
  .join('; ');
