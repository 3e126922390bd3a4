import { join } from 'node:path';
import { ConfigError } from './platform/config/config.js';
import { settingsFromEnvironment } from './platform/config/environment.js';
import { migrate } from './platform/database/migrate.js';

/** `npm run migrate`: roles, tables and the queue's schema, on the server that the environment names. */
try {
  const { databaseUrls, hashPartitions } = settingsFromEnvironment('migrate');
  if (!databaseUrls) throw new ConfigError('DATABASE_URL is not set: the embedded server is migrated by npm start');
  const names = await migrate(databaseUrls, { migrations: join(import.meta.dirname, 'migrations'), hashPartitions });
  process.stdout.write(names.length ? `Migrated: ${names.join(', ')}\n` : 'Up to date\n');
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
