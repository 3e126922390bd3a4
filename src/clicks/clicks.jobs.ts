import type { Click } from './click.js';

export const CLICKS_QUEUE = 'clicks';

/** A job of the queue `clicks`: at most BATCH_SIZE clicks, of any tenants. */
export interface ClicksJob {
  clicks: Click[];
}

export const BATCH_SIZE = 1_000;
