import { expect, it } from '@jest/globals';
import { restartPause } from './restart-pause.js';

it.each([
  [0, 0],
  [1, 250],
  [2, 500],
  [6, 8_000],
  [7, 15_000],
  [5_000, 15_000],
])('after %i short lives in a row it waits %i ms', (shortLives, pause) => expect(restartPause(shortLives)).toBe(pause));
