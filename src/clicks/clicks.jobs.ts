export const CLICKS_QUEUE = 'clicks';

/** A job of the queue `clicks`: a segment of a spool as it stands on disk (see spool-format.ts), of any tenants. */
export interface ClicksJob {
  lines: string;
}

/** Clicks after which a segment is closed, and clicks stored in one transaction. */
export const BATCH_SIZE = 1_000;
