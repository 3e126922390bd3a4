import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Queue } from 'bullmq';
import type { Secrets } from '../platform/secrets/secrets.js';
import { clicksIn } from './clicks-in.js';
import { CLICKS_KEY, type ClicksJob } from './clicks.jobs.js';
import { segmentOf } from './spool.js';

const JOBS_AT_ONCE = 200;
const UNFINISHED = ['waiting', 'active', 'delayed', 'prioritized', 'failed'] as const;

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

export async function inQueue(queue: Queue<ClicksJob>, secrets: Secrets): Promise<InFlight[]> {
  const found: InFlight[] = [];
  for (let from = 0; ; from += JOBS_AT_ONCE) {
    const jobs = await queue.getJobs([...UNFINISHED], from, from + JOBS_AT_ONCE - 1, true);
    for (const job of jobs) {
      // One that was finished while the others were read.
      if (!job?.data) continue;
      const { segment, spool, number, frames } = job.data;
      const clicks = countIn(segment, Buffer.from(frames, 'base64'), secrets);
      found.push({ segment, spool, number, clicks, where: 'queue' });
    }
    if (jobs.length < JOBS_AT_ONCE) return found;
  }
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
