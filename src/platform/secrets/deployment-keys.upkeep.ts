import { Inject, Injectable } from '@nestjs/common';
import { IngestDatabase } from '../database/ingest-database.js';
import { type Logger, LOGGER } from '../telemetry/logger.js';
import { DEPLOYMENT_KEYS_KEY } from './deployment-keys.js';
import { Secrets } from './secrets.js';

@Injectable()
export class DeploymentKeysUpkeep {
  constructor(
    private readonly database: IngestDatabase,
    private readonly secrets: Secrets,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Under SECRET_KEY, what was sealed under one before. @returns how many */
  async reseal(): Promise<number> {
    const rows = await this.database.query<{ purpose: string; keyId: string; sealed: Buffer }>(
      `SELECT purpose, key_id AS "keyId", sealed FROM deployment_keys WHERE substring(sealed FROM 1 FOR 5) <> $1`,
      [this.secrets.header],
    );
    for (const { purpose, keyId, sealed } of rows) {
      await this.database.query(
        'UPDATE deployment_keys SET sealed = $4 WHERE purpose = $1 AND key_id = $2 AND sealed = $3',
        [purpose, keyId, sealed, this.secrets.reseal(DEPLOYMENT_KEYS_KEY, sealed)],
      );
    }
    if (rows.length > 0) this.logger.info({ keys: rows.length }, 'Sealed kept keys under the present SECRET_KEY');
    return rows.length;
  }
}
