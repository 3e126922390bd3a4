import { describe, expect, it } from '@jest/globals';
import { shareOf } from './turns.js';

const clicks = (counts: Record<string, number>) =>
  Object.entries(counts).flatMap(([tenantId, count]) => Array.from({ length: count }, () => ({ tenantId })));
const tenantsIn = (some: Array<{ tenantId: string }>): string[] => [...new Set(some.map(({ tenantId }) => tenantId))];

describe('the turns of a segment', () => {
  const segment = clicks({ few: 1, some: 100, more: 101, many: 1_001 });

  it('are those of tenants with few clicks first, while others wait', () => {
    const [first, second, third] = [0, 1, 2].map((turn) => shareOf(segment, turn, true));
    expect(tenantsIn(first?.now ?? [])).toEqual(['few', 'some']);
    expect(tenantsIn(second?.now ?? [])).toEqual(['more']);
    expect(tenantsIn(third?.now ?? [])).toEqual(['many']);
    expect([first?.next, second?.next, third?.next]).toEqual([1, 2, undefined]);
  });

  it('have each click once', () => {
    const shares = [0, 1, 2].flatMap((turn) => shareOf(segment, turn, true).now);
    expect(shares).toHaveLength(segment.length);
    expect(new Set(shares).size).toBe(segment.length);
  });

  it('pass over those in which there is nothing to do', () => {
    expect(shareOf(clicks({ many: 1_001 }), 0, true)).toEqual({ now: [], next: 2 });
    expect(shareOf(clicks({ few: 1 }), 0, true).next).toBeUndefined();
  });

  it('are one where nobody waits: all that is left', () => {
    expect(tenantsIn(shareOf(segment, 0, false).now)).toEqual(['few', 'some', 'more', 'many']);
    expect(tenantsIn(shareOf(segment, 1, false).now)).toEqual(['more', 'many']);
    expect(shareOf(segment, 0, false).next).toBeUndefined();
  });

  it('put who has a hundred times the clicks of another after that one', () => {
    for (const few of [2, 10, 99, 100, 500, 1_000]) {
      const now = shareOf(clicks({ few, many: 100 * few }), few > 100 ? 1 : 0, true).now;
      expect(tenantsIn(now)).toEqual(['few']);
    }
  });
});
