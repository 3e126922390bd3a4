import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What `$DATA_DIR/credentials.json` holds, for people and programs on this machine. */
export interface Credentials {
  apiUrl: string;
  redirectUrl: string;
  opsUrl: string;
  tenantId: string;
  apiKey: string;
  platformKey: string;
  domain: string;
}

const credentialsPath = (dataDir: string): string => join(dataDir, 'credentials.json');

/** Whole or not at all, and for the owner's eyes alone. */
async function writePrivately(path: string, text: string): Promise<void> {
  const draft = `${path}.${process.pid}`;
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, path);
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** The deployment's secret key, made at the first start and kept beside the data it belongs to. */
export async function keepSecretKey(dataDir: string): Promise<string> {
  const path = join(dataDir, 'secret-key');
  const kept = await readIfThere(path);
  if (kept) return kept.trim();
  const made = randomBytes(32).toString('base64');
  await writePrivately(path, `${made}\n`);
  return made;
}

export const newPlatformKey = (): string => `wpp_${randomBytes(32).toString('base64url')}`;

export async function readCredentials(dataDir: string): Promise<Partial<Credentials>> {
  const text = await readIfThere(credentialsPath(dataDir));
  return text ? (JSON.parse(text) as Partial<Credentials>) : {};
}

export const writeCredentials = (dataDir: string, credentials: Credentials): Promise<void> =>
  writePrivately(credentialsPath(dataDir), `${JSON.stringify(credentials, null, 2)}\n`);
