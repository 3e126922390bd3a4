import { BullModule } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { ClicksProcessor } from '../../clicks/clicks.processor.js';
import { ClickIngestModule } from '../../clicks/clicks.module.js';
import { DomainsModule } from '../../domains/domains.module.js';
import { DomainsUpkeep } from '../../domains/domains.upkeep.js';
import { BusModule } from '../../platform/bus/bus.module.js';
import { IdempotencyUpkeep } from '../../platform/idempotency/idempotency.upkeep.js';
import { OutboxRelay } from '../../platform/outbox/outbox.relay.js';
import { TenantsModule } from '../../tenants/tenants.module.js';
import { TenantsUpkeep } from '../../tenants/tenants.upkeep.js';
import { UPKEEP_QUEUE, UpkeepProcessor } from './upkeep.processor.js';
import { WorkerDrain } from './worker-drain.js';

/** What happens behind the requests: ingest, the outbox, and upkeep on schedule. */
@Module({
  imports: [
    BusModule,
    ClickIngestModule,
    DomainsModule,
    TenantsModule,
    BullModule.registerQueue({ name: UPKEEP_QUEUE }),
  ],
  providers: [
    ClicksProcessor,
    OutboxRelay,
    UpkeepProcessor,
    DomainsUpkeep,
    IdempotencyUpkeep,
    TenantsUpkeep,
    WorkerDrain,
  ],
})
export class WorkerModule {}
