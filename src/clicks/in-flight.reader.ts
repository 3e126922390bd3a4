import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Queue } from 'bullmq';
import type { Secrets } from '../platform/secrets/secrets.js';
import { clicksIn } from './clicks-in.js';
import { CLICKS_KEY, type ClicksJob } from './clicks.jobs.js';
import { segmentOf } from './spool.js';

const JOBS_AT_ONCE = 200;
/** PostgreSQL is asked for one after the other: those that are worked on last, for the others get there meanwhile. */
const UNFINISHED = ['failed', 'delayed', 'prioritized', 'wait', 'active'] as const;
/** The second for those that were put off or came while the jobs of the first were read. */
const PASSES = 2;

/** A segment that the worker may not have dealt with yet. */
export interface InFlight {
  segment: string;
  spool: string | undefined;
  number: number | undefined;
  /** Undefined when they can not be read. */
  clicks: number | undefined;
  where: 'spool' | 'queue';
}

/** Of this machine's spools, those being written included. @param parent the folder of the processes' folders */
export async function inSpools(parent: string, secrets: Secrets): Promise<InFlight[]> {
  const found: InFlight[] = [];
  for (const folder of await namesIn(parent)) {
    for (const file of await namesIn(join(parent, folder))) {
      if (!/\.(segment|open)$/.test(file)) continue;
      const { id, spool, number } = segmentOf(file.slice(0, file.lastIndexOf('.')), 0);
      const bytes = await bytesOf(join(parent, folder, file));
      // The queue has it by now.
      if (bytes) found.push({ segment: id, spool, number, clicks: countIn(id, bytes, secrets), where: 'spool' });
    }
  }
  return found;
}

/**
 * By their ids, all at one time: places in a queue change while it is worked off. One that is done and gone since is in
 * the ledger, which is looked at later.
 */
export async function inQueue(queue: Queue<ClicksJob>, secrets: Secrets): Promise<InFlight[]> {
  const found: InFlight[] = [];
  const looked = new Set<string>();
  for (let pass = 0; pass < PASSES; pass++) {
    const ids = (await queue.getRanges([...UNFINISHED], 0, -1)).filter((id) => !looked.has(id));
    for (let from = 0; from < ids.length; from += JOBS_AT_ONCE) {
      const jobs = await Promise.all(ids.slice(from, from + JOBS_AT_ONCE).map((id) => queue.getJob(id)));
      found.push(...jobs.flatMap((job) => (job?.data ? [waitingIn(job.data, secrets)] : [])));
    }
    for (const id of ids) looked.add(id);
  }
  return found;
}

function waitingIn({ segment, spool, number, frames }: ClicksJob, secrets: Secrets): InFlight {
  const clicks = countIn(segment, Buffer.from(frames, 'base64'), secrets);
  return { segment, spool, number, clicks, where: 'queue' };
}

const countIn = (segment: string, bytes: Buffer, secrets: Secrets): number | undefined =>
  clicksIn(segment, bytes, secrets.keysFor(CLICKS_KEY, segment));

/** Spools come and go while they are looked at. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder);
    return entries.toSorted();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw error;
  }
}

async function bytesOf(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
