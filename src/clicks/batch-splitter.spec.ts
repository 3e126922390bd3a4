import { describe, expect, it } from '@jest/globals';
import { storeApart } from './batch-splitter.js';

class Refused extends Error {}
const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

/** A store that refuses any batch with one of these in it. */
function storeRefusing(...bad: number[]) {
  const stored: number[] = [];
  const buried: number[] = [];
  let attempts = 0;
  const steps = {
    store: async (some: number[]) => {
      attempts++;
      if (some.some((one) => bad.includes(one))) throw new Refused();
      stored.push(...some);
    },
    isFault: (error: unknown) => error instanceof Refused,
    bury: async (one: number) => void buried.push(one),
  };
  return { steps, stored, buried, attempts: () => attempts };
}

describe('a batch', () => {
  it.each([
    ['none', []],
    ['the first', [0]],
    ['the last', [999]],
    ['neighbours', [499, 500]],
    ['some', [3, 77, 500, 998]],
  ])('of a thousand is stored but for the bad: %s', async (_, bad) => {
    const { steps, stored, buried, attempts } = storeRefusing(...bad);
    await storeApart(numbers(1_000), steps);
    expect(stored).toEqual(numbers(1_000).filter((one) => !bad.includes(one)));
    expect(buried).toEqual(bad);
    expect(attempts()).toBeLessThanOrEqual(1 + 2 * 10 * bad.length);
  });

  it('of nothing but bad ones is buried whole', async () => {
    const { steps, stored, buried } = storeRefusing(0, 1, 2);
    await storeApart(numbers(3), steps);
    expect([stored, buried]).toEqual([[], [0, 1, 2]]);
  });

  it('is left as it is when something else is to blame', async () => {
    const { steps, buried } = storeRefusing();
    const away = new Error('The database is away');
    const store = () => Promise.reject(away);
    await expect(storeApart(numbers(4), { ...steps, store })).rejects.toBe(away);
    expect(buried).toEqual([]);
  });

  it('is not needed', async () => {
    const { steps, attempts } = storeRefusing();
    await storeApart([], steps);
    expect(attempts()).toBe(0);
  });
});
