import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Config, ConfigError, type DatabaseUrls, type Settings } from '../../platform/config/config.js';
import { connectionUrl, openClusterSecret } from '../../platform/embedded/cluster-secret.js';
import { parsePostmasterPid } from '../../platform/embedded/postmaster-pid.js';
import { keepSecretKey, newPlatformKey, readCredentials } from './deployment-secrets.js';
import { externalConfig } from './embedded-default.js';

/** For operators' commands beside a running deployment: as the worker is told, or as `npm start` on this folder keeps it. */
export async function operatorConfig(settings: Settings): Promise<Config> {
  const asWorker = { ...settings, roles: new Set(['worker' as const]) };
  if (settings.databaseUrls) return externalConfig(asWorker);
  const { dataDir } = settings;
  return Config.from(asWorker, {
    databaseUrls: await embeddedUrls(dataDir),
    secretKey: settings.secretKey ?? (await keepSecretKey(dataDir)),
    platformKey: settings.platformKey ?? (await readCredentials(dataDir)).platformKey ?? newPlatformKey(),
  });
}

async function embeddedUrls(dataDir: string): Promise<DatabaseUrls> {
  const running = parsePostmasterPid(await pidFile(dataDir));
  if (!running) throw new ConfigError(`The embedded PostgreSQL in ${dataDir} is still starting`);
  const server = { port: running.port, secret: await openClusterSecret(dataDir, true) };
  const as = (role: string): string => connectionUrl(server, role, 'waypost');
  return {
    // Its migrations have no other, and so there is no password for waypost_owner.
    owner: as('postgres'),
    app: as('waypost_app'),
    ingest: as('waypost_ingest'),
    resolver: as('waypost_resolver'),
    replica: undefined,
  };
}

async function pidFile(dataDir: string): Promise<string> {
  try {
    return await readFile(join(dataDir, 'postgres/postmaster.pid'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new ConfigError(`No embedded PostgreSQL runs in ${dataDir}: set DATABASE_URL, or DATA_DIR, or start Waypost`);
  }
}
