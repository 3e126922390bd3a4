import { setTimeout as sleep } from 'node:timers/promises';

/** In ms; compiling a function takes one or two. */
const QUIET_MS = 100;

/**
 * Ends the process once nothing is left to do. Node joins the threads on which V8 compiles what was lately in demand. One
 * that runs short of memory waits for this thread to collect garbage, while this one waits for it: for ever, and no
 * deadline of ours is kept by a thread that does not run (nodejs/node, issue 54918). In a moment in which nothing happens
 * they come to their end, and nothing new comes into demand.
 */
export async function leave(code: number): Promise<never> {
  await sleep(QUIET_MS);
  process.exit(code);
}
