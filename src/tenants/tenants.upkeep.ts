import { Inject, Injectable } from '@nestjs/common';
import { systemContext } from '../platform/context/system-context.js';
import { IngestDatabase } from '../platform/database/ingest-database.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { TenantsService } from './tenants.service.js';

const DELETED = 'SELECT id FROM tenants WHERE deleted_at IS NOT NULL AND purged_at IS NULL ORDER BY id LIMIT 20';

@Injectable()
export class TenantsUpkeep {
  constructor(
    private readonly database: IngestDatabase,
    private readonly tenants: TenantsService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Clears away what deleted tenants left; their audit trail stays. */
  async purge(): Promise<void> {
    for (const { id } of await this.database.query<{ id: string }>(DELETED)) {
      // With the operators' right: links that they took down, no tenant can delete.
      await this.tenants.purge({ ...systemContext(id), platform: true });
      this.logger.info({ tenantId: id }, 'Cleared away a deleted tenant');
    }
  }
}
