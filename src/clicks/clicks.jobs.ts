import type { Click } from './click.js';
import type { Dropped } from './dropped.js';

export const CLICKS_QUEUE = 'clicks';

/** A job of the queue `clicks`: a segment of a spool as it stands on disk, of any tenants. The job's id is the segment's. */
export interface ClicksJob {
  segment: string;
  /** Its frames (see spool-format.ts and sealed-frames.ts) in base64. */
  frames: string;
  /** The spool that wrote it, and which of that spool's it is, from 0: a number that never arrives was lost. */
  spool?: string | undefined;
  number?: number | undefined;
  /** Which turn of the segment's it is, from 0, and what was dropped in those before: see turns.ts. */
  turn?: number | undefined;
  dropped?: Dropped | undefined;
}

/** Secrets derive a segment's key for this purpose, by its id. */
export const CLICKS_KEY = 'clicks';

/** Secrets seal the dead letters for this purpose. */
export const DEAD_CLICKS_KEY = 'dead-clicks';

/** What a dead letter seals, as JSON: a click and its segment, or a segment that could not be opened. */
export type DeadLetter = { segment: string } & ({ click: Click } | { job: ClicksJob });

/** How the worker spaces the attempts at a job: by `pauseBefore`. */
export const UNTIL_BACK = 'until-back';

const LONGEST_PAUSE_MS = 30_000;

/**
 * Half a second, doubled with each attempt up to half a minute, and spread: what failed together comes back apart.
 *
 * @returns whole milliseconds: the queue in PostgreSQL takes no others, and would leave the job to whom looks for stalled ones
 */
export const pauseBefore = (attempt: number): number =>
  Math.round(Math.min(LONGEST_PAUSE_MS, 500 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2));

/**
 * A finished job is large; it is kept only for as long as it may be sent again. A job is tried again for as long as it
 * takes: what is wrong with clicks themselves makes dead letters, not failures.
 */
export const CLICKS_JOB_OPTIONS = {
  removeOnComplete: { count: 50 },
  attempts: 2 ** 31 - 1,
  backoff: { type: UNTIL_BACK },
};

/** Clicks stored in one transaction. */
export const BATCH_SIZE = 2_000;
