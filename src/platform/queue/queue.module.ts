import { BullModule } from '@nestjs/bullmq';
import type { DynamicModule } from '@nestjs/common';
import { Config } from '../config/config.js';
import { queueConnection, useQueueBackend } from './connection.js';

/** Finished jobs are kept for a while so that a job sent twice is noticed; failed ones until somebody looked. */
const JOB_DEFAULTS = {
  attempts: 12,
  backoff: { type: 'exponential', delay: 500, jitter: 0.5 },
  removeOnComplete: { age: 3600, count: 10_000 },
  removeOnFail: false,
} as const;

export const QueueModule: DynamicModule = {
  ...BullModule.forRootAsync({
    inject: [Config],
    useFactory: (config: Config) => {
      useQueueBackend(config);
      return { connection: queueConnection(config), defaultJobOptions: JOB_DEFAULTS };
    },
  }),
};
