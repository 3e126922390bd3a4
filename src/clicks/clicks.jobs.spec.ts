import { describe, expect, it } from '@jest/globals';
import { pauseBefore } from './clicks.jobs.js';

describe('the pause before another attempt at a job', () => {
  it('grows up to half a minute, in whole milliseconds', () => {
    for (const [attempt, least, most] of [
      [1, 500, 1_000],
      [3, 2_000, 4_000],
      [20, 15_000, 30_000],
    ] as const) {
      for (let n = 0; n < 100; n++) {
        const pause = pauseBefore(attempt);
        expect(Number.isInteger(pause)).toBe(true);
        expect(pause).toBeGreaterThanOrEqual(least);
        expect(pause).toBeLessThanOrEqual(most);
      }
    }
  });
});
