import { join } from 'node:path';
import { Config, ConfigError, type DatabaseUrls, type Settings } from '../../platform/config/config.js';
import { migrate } from '../../platform/database/migrate.js';
import { assertPortFree } from '../../platform/http/listen.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../platform/embedded/embedded-postgres.js';
import { keepSecretKey, newPlatformKey, readCredentials } from './deployment-secrets.js';

export interface EmbeddedDefault {
  config: Config;
  postgres: EmbeddedPostgres;
}

const MIGRATIONS = join(import.meta.dirname, '../../migrations');

/** Everything a laptop lacks: a PostgreSQL server of its own, secrets, an up-to-date schema. */
export async function startEmbeddedDefault(settings: Settings, log: (line: string) => void): Promise<EmbeddedDefault> {
  const { dataDir, ports } = settings;
  const host = settings.host ?? '127.0.0.1';
  for (const [variable, port] of [
    ['PORT', ports.api],
    ['REDIRECT_PORT', ports.redirect],
    ['OPS_PORT', ports.ops],
  ] as const) {
    await assertPortFree(host, port, variable);
  }
  // First, for it makes the folder so that the server's account can reach into it.
  const postgres = await startEmbeddedPostgres({ dataDir, log });
  try {
    const secretKey = settings.secretKey ?? (await keepSecretKey(dataDir));
    const platformKey = settings.platformKey ?? (await readCredentials(dataDir)).platformKey ?? newPlatformKey();
    const databaseUrls: DatabaseUrls = {
      owner: postgres.adminUrl,
      app: postgres.urlFor('waypost_app'),
      ingest: postgres.urlFor('waypost_ingest'),
      resolver: postgres.urlFor('waypost_resolver'),
      replica: undefined,
    };
    const migrated = await migrate(databaseUrls, { migrations: MIGRATIONS, hashPartitions: settings.hashPartitions });
    if (migrated.length > 0) log(`Brought the database up to date (${migrated.length} migrations)`);
    return { config: Config.from(settings, { databaseUrls, secretKey, platformKey }), postgres };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}

/** What a server's own deployment must have told us. @throws ConfigError */
export function externalConfig(settings: Settings): Config {
  const { databaseUrls, secretKey, platformKey } = settings;
  if (!databaseUrls || !secretKey || !platformKey)
    throw new ConfigError('DATABASE_URL, SECRET_KEY and PLATFORM_KEY are required');
  return Config.from(settings, { databaseUrls, secretKey, platformKey });
}
