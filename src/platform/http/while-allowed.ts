import type { Context } from '../context/context.js';

/** In ms: with what is remembered of a member, who loses access loses an answer that goes on within a minute. */
export const ACCESS_CHECK_MS = 30_000;

/**
 * What comes, for as long as the credentials that it was asked for with are good. Then it ends with an error, so that
 * nobody takes it for complete.
 *
 * @param now a clock that never goes back, in ms
 */
export async function* whileAllowed<T>(
  { stillHolds }: Pick<Context, 'stillHolds'>,
  pieces: AsyncIterable<T>,
  now: () => number = () => performance.now(),
): AsyncGenerator<T> {
  let checked = now();
  for await (const piece of pieces) {
    // Right before it is given away: between two pieces may lie hours, if nobody reads.
    if (now() - checked >= ACCESS_CHECK_MS) {
      if (!(await (stillHolds?.() ?? true))) throw new Error('An answer was cut off: its credentials no longer hold');
      checked = now();
    }
    yield piece;
  }
}
