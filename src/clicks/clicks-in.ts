import { openFramesWithAny } from '../platform/secrets/sealed-frames.js';
import { decodeClicks } from './spool-format.js';

/** How many clicks a segment has. @returns undefined when nobody can read it: the worker makes it a dead letter */
export function clicksIn(segment: string, bytes: Buffer, keys: Buffer[]): number | undefined {
  const { frames, torn } = openFramesWithAny(keys, bytes);
  if (torn && frames.length === 0) return undefined;
  try {
    return decodeClicks(segment, frames).length;
  } catch {
    return undefined;
  }
}
