import { BullModule } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { AuditModule } from '../../audit/audit.module.js';
import { AuditSealer } from '../../audit/audit-sealer.upkeep.js';
import { ClicksProcessor } from '../../clicks/clicks.processor.js';
import { ClickIngestModule } from '../../clicks/clicks.module.js';
import { DestinationsModule } from '../../destinations/destinations.module.js';
import { DomainsModule } from '../../domains/domains.module.js';
import { DomainsUpkeep } from '../../domains/domains.upkeep.js';
import { LinksModule } from '../../links/links.module.js';
import { LinksUpkeep } from '../../links/links.upkeep.js';
import { BusModule } from '../../platform/bus/bus.module.js';
import { IdempotencyUpkeep } from '../../platform/idempotency/idempotency.upkeep.js';
import { OutboxRelay } from '../../platform/outbox/outbox.relay.js';
import { DeploymentKeysUpkeep } from '../../platform/secrets/deployment-keys.upkeep.js';
import { UpkeepRuns } from '../../platform/upkeep/upkeep-runs.js';
import { TenantsModule } from '../../tenants/tenants.module.js';
import { TenantsUpkeep } from '../../tenants/tenants.upkeep.js';
import { UPKEEP_QUEUE, UpkeepProcessor } from './upkeep.processor.js';
import { WorkerDrain } from './worker-drain.js';

/** What happens behind the requests: ingest, the outbox, and upkeep on schedule. */
@Module({
  imports: [
    AuditModule,
    BusModule,
    ClickIngestModule,
    DestinationsModule,
    DomainsModule,
    LinksModule,
    TenantsModule,
    BullModule.registerQueue({ name: UPKEEP_QUEUE }),
  ],
  providers: [
    AuditSealer,
    ClicksProcessor,
    OutboxRelay,
    UpkeepProcessor,
    DeploymentKeysUpkeep,
    DomainsUpkeep,
    IdempotencyUpkeep,
    LinksUpkeep,
    TenantsUpkeep,
    UpkeepRuns,
    WorkerDrain,
  ],
})
export class WorkerModule {}
