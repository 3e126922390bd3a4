import { BullModule } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { ClickDetails } from './click-details.js';
import { ClickExpiryRepository } from './click-expiry.repository.js';
import { CLICKS_QUEUE } from './clicks.jobs.js';
import { ClickQueue } from './click-queue.js';
import { ClickSpansRepository } from './click-spans.repository.js';
import { ClickSpansUpkeep } from './click-spans.upkeep.js';
import { ClickRecorder } from './clicks.recorder.js';
import { ClickRoundsService } from './click-rounds.service.js';
import { ClicksRepository } from './clicks.repository.js';
import { ClicksService } from './clicks.service.js';
import { ClicksUpkeep } from './clicks.upkeep.js';
import { DeadClicksRepository } from './dead-clicks.repository.js';
import { DeadClicksService } from './dead-clicks.service.js';
import { DeadClicksUpkeep } from './dead-clicks.upkeep.js';
import { GeoDatabase } from './geo-database.js';
import { LedgerUpkeep } from './ledger.upkeep.js';
import { RollupsRepository } from './rollups.repository.js';
import { SegmentsRepository } from './segments.repository.js';
import { SegmentsService } from './segments.service.js';
import { VisitorKeys } from './visitor-keys.js';
import { VisitorSaltsRepository } from './visitor-salts.repository.js';

const RegisteredQueue = BullModule.registerQueue({ name: CLICKS_QUEUE });

/** The redirect role's end of the click ledger. */
@Module({ imports: [RegisteredQueue], providers: [ClickQueue, ClickRecorder], exports: [ClickRecorder] })
export class ClickRecordingModule {}

/** The worker's end of it. */
@Module({
  imports: [AuditModule, RegisteredQueue],
  providers: [
    ClickDetails,
    ClickExpiryRepository,
    ClickSpansRepository,
    ClickSpansUpkeep,
    ClickRoundsService,
    ClicksRepository,
    ClicksService,
    ClicksUpkeep,
    DeadClicksRepository,
    DeadClicksService,
    DeadClicksUpkeep,
    GeoDatabase,
    LedgerUpkeep,
    RollupsRepository,
    SegmentsRepository,
    SegmentsService,
    VisitorKeys,
    VisitorSaltsRepository,
  ],
  exports: [RegisteredQueue, ClickSpansUpkeep, ClicksUpkeep, DeadClicksUpkeep, LedgerUpkeep, SegmentsService],
})
export class ClickIngestModule {}
