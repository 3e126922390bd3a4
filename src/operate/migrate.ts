import { join } from 'node:path';
import { ConfigError } from '../platform/config/config.js';
import { settingsFromEnvironment } from '../platform/config/environment.js';
import { migrate } from '../platform/database/migrate.js';
import { DONE } from './exit-codes.js';
import { say, sayJson } from './output.js';

/** Of this version, compiled. */
export const MIGRATIONS = join(import.meta.dirname, '../migrations');

/** Roles, tables and the queue's schema, on the server that the environment names. */
export async function migrateCommand({ json }: { json?: true }): Promise<number> {
  const { databaseUrls, hashPartitions } = settingsFromEnvironment('migrate');
  if (!databaseUrls) throw new ConfigError('DATABASE_URL is not set: the embedded server is migrated by npm start');
  const names = await migrate(databaseUrls, { migrations: MIGRATIONS, hashPartitions });
  if (json) sayJson({ migrated: names });
  else say(names.length ? `Migrated: ${names.join(', ')}` : 'Up to date');
  return DONE;
}
