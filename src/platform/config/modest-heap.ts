import type { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';

// V8 lets garbage grow to several times what is used before it clears up. The rows of an export outlive the young part of
// the heap: after 200,000 of them a process of the API had 370 MB, of which 70 were used. So the old part of its heap grows
// by a tenth only. The young part is small while modules are loaded, which would leave 50 MB behind, and while somebody
// exports. Requests make little that lives for long, and would pay for a small one with half of their time. Redirects and
// ingest need neither. Flags are heeded from when they are set: this is the first module to be loaded.
const SMALL = ['--optimize-for-size', '--semi-space-growth-factor=1'];
const USUAL = ['--no-optimize-for-size', '--semi-space-growth-factor=2'];

/** What keeps the young part small: the start of the process, and each export. */
let reasons = 0;

function keepSmall(): void {
  if (reasons++ === 0) SMALL.forEach(setFlagsFromString);
}

function letGo(): void {
  if (--reasons === 0) USUAL.forEach(setFlagsFromString);
}

// When there has been little to do for a while, V8 collects the whole heap and moves together what is left: 50 to 70 ms of a
// heap of 70 MB, more where many links are remembered, and whoever visits then waits.
if (process.env.APP_ROLE === 'redirect') setFlagsFromString('--memory-reducer-gc-count=0');

const isApi = process.env.APP_ROLE === 'api';
if (isApi) {
  setFlagsFromString('--heap-growing-percent=10');
  keepSmall();
}

/** To be called once the process has started. */
export function heapHasStarted(): void {
  if (isApi) letGo();
}

/** Keeps the heap small for as long as this stream is open. */
export function modestHeapDuring<T extends Readable>(stream: T): T {
  keepSmall();
  stream.once('close', letGo);
  return stream;
}
