import { describe, expect, it } from '@jest/globals';
import { Windows } from './windows.js';

describe('windows', () => {
  it('count hits from the first on, by key, until they end', () => {
    let now = 0;
    const windows = new Windows(10, () => now);
    expect(windows.hit('a', 1_000)).toEqual({ hits: 1, left: 1_000 });
    now = 400;
    expect(windows.hit('a', 1_000)).toEqual({ hits: 2, left: 600 });
    expect(windows.hit('b', 1_000)).toEqual({ hits: 1, left: 1_000 });
    now = 1_000;
    expect(windows.hit('a', 1_000)).toEqual({ hits: 1, left: 1_000 });
  });

  it('forget the key not hit for longest when there are too many', () => {
    const windows = new Windows(2, () => 0);
    for (const key of ['a', 'b', 'a', 'c']) windows.hit(key, 1_000);
    expect(windows.hit('a', 1_000).hits).toBe(3);
    expect(windows.hit('b', 1_000).hits).toBe(1);
  });
});
