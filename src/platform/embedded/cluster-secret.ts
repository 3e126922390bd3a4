import { createHmac, randomBytes } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export const SUPERUSER = 'postgres';

/** The superuser's password, from which the passwords of all other roles derive. Made once, before the cluster. */
export async function openClusterSecret(dataDir: string, clusterExists: boolean): Promise<string> {
  const file = join(dataDir, 'postgres-password');
  if (!clusterExists) await createSecret(file);
  const secret = (await readFile(file, 'utf8')).trim();
  if (secret === '') throw new Error(`${file} is empty: it must hold the password of the database's superuser.`);
  return secret;
}

async function createSecret(file: string): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx', flush: true });
  try {
    // A link never replaces: of two first starts at once, both end up with the same secret, and never with half of one.
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft);
  }
}

export function passwordOf(role: string, secret: string): string {
  if (role === SUPERUSER) return secret;
  return createHmac('sha256', secret).update(`waypost database role ${role}`).digest('base64url');
}

export function connectionUrl(server: { port: number; secret: string }, role: string, database: string): string {
  const login = `${encodeURIComponent(role)}:${encodeURIComponent(passwordOf(role, server.secret))}`;
  // sslmode: a PGSSLMODE in the environment must not apply to a server that has no certificate.
  return `postgresql://${login}@127.0.0.1:${server.port}/${database}?sslmode=disable`;
}
