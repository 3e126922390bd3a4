import { Inject, Injectable } from '@nestjs/common';
import { DestinationsReader, type DestinationFlag } from '../destinations/destinations.reader.js';
import { operatorContext, systemContext } from '../platform/context/system-context.js';
import { IngestDatabase } from '../platform/database/ingest-database.js';
import { Transactions } from '../platform/database/transactions.js';
import { NIL_UUID } from '../platform/ids.js';
import { type Logger, LOGGER } from '../platform/telemetry/logger.js';
import { LinksService } from './links.service.js';

const AT_ONCE = 500;
/** In one go: other upkeep waits for no more than this. */
const BATCHES = 10;

export interface LinkPosition {
  tenantId: string;
  id: string;
}

const BEGINNING: LinkPosition = { tenantId: NIL_UUID, id: NIL_UUID };

interface Destination extends LinkPosition {
  url: string;
  expiredUrl: string | null;
  flag: DestinationFlag | null;
}

// In order of the primary key: each batch begins where the last one ended, however many links there are.
const NEXT = `
  SELECT tenant_id AS "tenantId", id, url, expired_url AS "expiredUrl", flag FROM links
  WHERE (tenant_id, id) > ($1::uuid, $2::uuid) AND takedown IS NULL
  ORDER BY tenant_id, id
  LIMIT ${AT_ONCE}`;

@Injectable()
export class LinksUpkeep {
  constructor(
    private readonly database: IngestDatabase,
    private readonly transactions: Transactions,
    private readonly destinations: DestinationsReader,
    private readonly links: LinksService,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * Looks at destinations again: what was harmless when it was made may be listed or denied by now.
   *
   * @param after where the look before ended; undefined: from the beginning
   * @returns where to go on; undefined when all were looked at
   */
  async recheckDestinations(after: LinkPosition = BEGINNING): Promise<LinkPosition | undefined> {
    const platform = await this.transactions.run(operatorContext(), (tx) => this.destinations.platformPolicy(tx));
    let last = after;
    for (let batches = 0; batches < BATCHES; batches++) {
      const batch = await this.database.query<Destination>(NEXT, [last.tenantId, last.id]);
      for (const destination of batch) {
        const found = this.destinations.flagOf([destination.url, destination.expiredUrl], platform);
        if (found !== destination.flag) await this.mark(destination, found);
      }
      const end = batch.at(-1);
      if (!end || batch.length < AT_ONCE) return undefined;
      last = { tenantId: end.tenantId, id: end.id };
    }
    return last;
  }

  /** As its own tenant, so that it stands in that tenant's trail. */
  private async mark({ tenantId, id, url, expiredUrl }: Destination, flag: DestinationFlag | null): Promise<void> {
    try {
      await this.links.flag(systemContext(tenantId), id, { url, expiredUrl }, flag);
    } catch (error) {
      // Deleted or taken down meanwhile: the others have their turn, this one the next time.
      this.logger.warn({ reason: String(error), linkId: id }, 'A link could not be marked for its destination');
    }
  }
}
