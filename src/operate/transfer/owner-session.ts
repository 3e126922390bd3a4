import pg from 'pg';
import { OWNER_SETTINGS } from '../../platform/database/citus.js';

/** Nobody waits for a statement here; a transfer may take hours. */
const SETTINGS = `SET TIME ZONE 'UTC'; SET datestyle = 'ISO'; SET bytea_output = 'hex'; SET statement_timeout = 0;
  SET lock_timeout = '30s'; SET idle_in_transaction_session_timeout = 0`;

/**
 * A session of the tables' owner, whoever's login it is: under row-level security, as everybody. Whoever sets a tenant sees
 * and writes its rows, and no others: neither can an export show another tenant's, nor a forged file write them.
 */
export async function asOwner<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, application_name: 'waypost-transfer' });
  try {
    await client.connect();
    await client.query(`SET ROLE waypost_owner; ${SETTINGS}; ${OWNER_SETTINGS}`);
    return await work(client);
  } finally {
    await client.end();
  }
}

/** @param id a UUID, as the database or a checked header has it */
export const setTenant = (id: string): string => `SET LOCAL app.tenant_id = ${pg.escapeLiteral(id)}`;

/** In the order of the table. */
export async function columnsOf(client: pg.Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT attname AS name FROM pg_attribute
     WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum`,
    [`public.${table}`],
  );
  return rows.map(({ name }) => name);
}
