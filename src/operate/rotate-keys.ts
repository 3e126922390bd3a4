import { DeadClicksRepository } from '../clicks/dead-clicks.repository.js';
import { DeadClicksUpkeep } from '../clicks/dead-clicks.upkeep.js';
import { settingsFromEnvironment } from '../platform/config/environment.js';
import { connect } from '../platform/database/connect.js';
import { IngestDatabase } from '../platform/database/ingest-database.js';
import { DeploymentKeysUpkeep } from '../platform/secrets/deployment-keys.upkeep.js';
import { Secrets } from '../platform/secrets/secrets.js';
import { createLogger } from '../platform/telemetry/logger.js';
import { operatorConfig } from '../roles/embedded/operator-config.js';
import { DONE } from './exit-codes.js';
import { say, sayJson } from './output.js';

/** Seals under SECRET_KEY what is sealed under one before. @returns 1 if something can not be opened, as it always did */
export async function rotateKeysCommand({ json }: { json?: true }): Promise<number> {
  const config = await operatorConfig(settingsFromEnvironment('run'));
  const logger = createLogger('warn', false, 2);
  const secrets = new Secrets(config.secretKey, config.previousSecretKeys);
  const options = { applicationName: 'waypost-rotate-keys', poolSize: 1, entities: [] };
  const database = new IngestDatabase(await connect({ ...options, url: config.databaseUrls.ingest }, logger));
  try {
    const keys = await new DeploymentKeysUpkeep(database, secrets, logger).reseal();
    const { resealed, unreadable } = await new DeadClicksUpkeep(
      new DeadClicksRepository(database),
      secrets,
      logger,
    ).reseal();
    if (json) sayJson({ keyId: secrets.keyId, keptKeys: keys, deadLetters: resealed, unreadable });
    else
      say(
        `Sealed under SECRET_KEY ${secrets.keyId}: ${keys} kept keys, ${resealed} dead letters. ` +
          `Nobody here can open ${unreadable}`,
      );
    return unreadable > 0 ? 1 : DONE;
  } finally {
    await database.onApplicationShutdown();
  }
}
