import { Inject, Injectable } from '@nestjs/common';
import { DestinationsReader } from '../destinations/destinations.reader.js';
import { Config } from '../platform/config/config.js';
import { operatorContext, systemContext } from '../platform/context/system-context.js';
import { Transactions } from '../platform/database/transactions.js';
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

interface Places {
  tenantId: string;
  id: string;
  rootUrl: string | null;
  notFoundUrl: string | null;
  expiredUrl: string | null;
}

const PLACES = `
  SELECT tenant_id AS "tenantId", id, root_url AS "rootUrl", not_found_url AS "notFoundUrl", expired_url AS "expiredUrl"
  FROM domains
  WHERE root_url IS NOT NULL OR not_found_url IS NOT NULL OR expired_url IS NOT NULL`;

@Injectable()
export class DomainsUpkeep {
  constructor(
    private readonly database: IngestDatabase,
    private readonly domains: DomainsService,
    private readonly transactions: Transactions,
    private readonly destinations: DestinationsReader,
    private readonly config: Config,
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

  /** Takes away the places that domains lead to and that are listed or denied by now, where links are switched off for that. */
  async recheckDestinations(): Promise<void> {
    if (this.config.destinationMatches !== 'disable') return;
    const platform = await this.transactions.run(operatorContext(), (tx) => this.destinations.platformPolicy(tx));
    for (const { tenantId, id, ...places } of await this.database.query<Places>(PLACES)) {
      const harmful = Object.entries(places).filter(([, place]) => this.destinations.flagOf([place], platform));
      if (harmful.length === 0) continue;
      try {
        await this.domains.clearPlaces(systemContext(tenantId), id, Object.fromEntries(harmful));
      } catch (error) {
        this.logger.warn({ reason: String(error), domainId: id }, 'A domain still leads to a harmful place');
      }
    }
  }
}
