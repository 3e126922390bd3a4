import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { connectionUrl } from '../../src/platform/embedded/cluster-secret.js';
import { underTest } from './waypost.js';

/** Connection URL to the shared Waypost's database as one of its roles, or as `postgres`. */
export async function databaseUrl(role: string, dataDir = underTest.dataDir): Promise<string> {
  const secret = (await readFile(join(dataDir, 'postgres-password'), 'utf8')).trim();
  const [, , , port = ''] = (await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8')).split('\n');
  return connectionUrl({ port: Number(port), secret }, role, 'waypost');
}

/** Runs `work` with a connection of this role and closes it. */
export async function asRole<T>(role: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: await databaseUrl(role) });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
