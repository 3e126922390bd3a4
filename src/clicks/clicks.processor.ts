import { Processor, WorkerHost } from '@nestjs/bullmq';
import type { Job } from 'bullmq';
import { CLICKS_QUEUE, type ClicksJob } from './clicks.jobs.js';
import { ClicksService } from './clicks.service.js';

@Processor(CLICKS_QUEUE)
export class ClicksProcessor extends WorkerHost {
  constructor(private readonly clicks: ClicksService) {
    super();
  }

  process({ data }: Job<ClicksJob>): Promise<void> {
    return this.clicks.storeSegment(data);
  }
}
