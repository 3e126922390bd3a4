export const CLICKS_QUEUE = 'clicks';

/** A job of the queue `clicks`: a segment of a spool as it stands on disk, of any tenants. The job's id is the segment's. */
export interface ClicksJob {
  segment: string;
  /** Its frames (see spool-format.ts and sealed-frames.ts) in base64. */
  frames: string;
}

/** Secrets derive a segment's key for this purpose, by its id. */
export const CLICKS_KEY = 'clicks';

/** Clicks stored in one transaction. */
export const BATCH_SIZE = 1_000;
