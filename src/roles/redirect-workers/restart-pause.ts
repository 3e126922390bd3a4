const FIRST_MS = 250;
const LONGEST_MS = 15_000;

/**
 * How long to wait before the next attempt, in ms.
 *
 * @param shortLives how many workers in a row ended soon after their start
 */
export const restartPause = (shortLives: number): number =>
  shortLives === 0 ? 0 : Math.min(FIRST_MS * 2 ** (shortLives - 1), LONGEST_MS);
