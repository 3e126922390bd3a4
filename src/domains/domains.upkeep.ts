import { Inject, Injectable } from '@nestjs/common';
import { systemContext } from '../platform/context/system-context.js';
import { IngestDatabase } from '../platform/database/ingest-database.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { DomainsService } from './domains.service.js';

const AT_ONCE = 200;

// A domain that waits for its record is looked at often for a week; a verified one each day.
const DUE = `
  SELECT tenant_id AS "tenantId", id FROM domains
  WHERE checked_at IS NULL
     OR (verified_at IS NOT NULL AND checked_at < now() - interval '1 day')
     OR (verified_at IS NULL AND created_at > now() - interval '7 days' AND checked_at < now() - interval '10 minutes')
  ORDER BY checked_at NULLS FIRST
  LIMIT ${AT_ONCE}`;

@Injectable()
export class DomainsUpkeep {
  constructor(
    private readonly database: IngestDatabase,
    private readonly domains: DomainsService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Asks DNS again for the domains whose turn it is, each as its own tenant. */
  async recheck(): Promise<void> {
    const due = await this.database.query<{ tenantId: string; id: string }>(DUE);
    for (const { tenantId, id } of due) {
      try {
        await this.domains.verify(systemContext(tenantId), id);
      } catch (error) {
        // Deleted meanwhile, or held by somebody: the others have their turn, this one the next time.
        this.logger.warn({ reason: String(error), domainId: id }, 'A domain was not checked again');
      }
    }
  }
}
