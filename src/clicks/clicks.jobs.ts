import type { Click } from './click.js';

export const CLICKS_QUEUE = 'clicks';

/** A job of the queue `clicks`: a segment of a spool as it stands on disk, of any tenants. The job's id is the segment's. */
export interface ClicksJob {
  segment: string;
  /** Its frames (see spool-format.ts and sealed-frames.ts) in base64. */
  frames: string;
  /** The spool that wrote it, and which of that spool's it is, from 0: a number that never arrives was lost. */
  spool?: string | undefined;
  number?: number | undefined;
}

/** Secrets derive a segment's key for this purpose, by its id. */
export const CLICKS_KEY = 'clicks';

/** Secrets seal the dead letters for this purpose. */
export const DEAD_CLICKS_KEY = 'dead-clicks';

/** What a dead letter seals, as JSON: a click and its segment, or a segment that could not be opened. */
export type DeadLetter = { segment: string } & ({ click: Click } | { job: ClicksJob });

/** How the worker spaces the attempts at a job: see the processor. */
export const UNTIL_BACK = 'until-back';

/** Clicks stored in one transaction. */
export const BATCH_SIZE = 1_000;
