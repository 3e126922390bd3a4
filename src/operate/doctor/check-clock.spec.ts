import { describe, expect, it } from '@jest/globals';
import { clockFinding } from './check-clock.js';

describe('clockFinding', () => {
  it.each([
    ['the same time', 1_000, 1_000, 1_000],
    ['a slow answer', 3_000, 1_000, 9_000],
    ['two seconds', 12_000, 10_000, 10_000],
  ])('takes %s for no skew', (_what, theirs, asked, answered) => {
    expect(clockFinding('Redis', theirs, asked, answered)).toEqual([]);
  });

  it.each([
    ['behind', 10_000, 12_500, 12_600, '2.5 s behind'],
    ['ahead', 20_000, 10_000, 13_000, '7.0 s ahead of'],
  ])('tells a clock that is %s, and by how much at least', (_what, theirs, asked, answered, expected) => {
    expect(clockFinding('Redis', theirs, asked, answered)[0]?.what).toContain(expected);
  });
});
