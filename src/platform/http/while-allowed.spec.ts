import { describe, expect, it } from '@jest/globals';
import { ACCESS_CHECK_MS, whileAllowed } from './while-allowed.js';

/** Pieces, of which each takes this long. */
async function* pieces(clock: { now: number }, every: number): AsyncGenerator<number> {
  for (let piece = 1; piece <= 5; piece++) {
    clock.now += every;
    yield piece;
  }
}

async function taken(every: number, stillHolds?: () => Promise<boolean>): Promise<Array<number | string>> {
  const clock = { now: 0 };
  const got: Array<number | string> = [];
  try {
    for await (const piece of whileAllowed({ stillHolds }, pieces(clock, every), () => clock.now)) got.push(piece);
  } catch (error) {
    got.push(String(error));
  }
  return got;
}

describe('an answer that goes on', () => {
  it('ends with an error before the first piece after its credentials were looked at and no longer held', async () => {
    let looks = 0;
    expect(await taken(ACCESS_CHECK_MS, async () => ++looks < 3)).toEqual([
      1,
      2,
      expect.stringMatching('no longer hold'),
    ]);
  });

  it('has them looked at now and then, not with each piece', async () => {
    let looks = 0;
    const held = async (): Promise<boolean> => Boolean(++looks);
    expect([await taken(ACCESS_CHECK_MS / 2, held), looks]).toEqual([[1, 2, 3, 4, 5], 2]);
  });

  it('that nobody asked for goes on', async () => expect(await taken(ACCESS_CHECK_MS)).toEqual([1, 2, 3, 4, 5]));
});
