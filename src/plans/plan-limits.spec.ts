import { describe, expect, it } from '@jest/globals';
import { endOfMonth, inForce, monthOf } from './plan-limits.js';

const none = { linksPerMonth: null, domains: null, members: null, requestsPerMinute: null };

describe("a plan's limits", () => {
  it("are the tenant's own where it has some, also none at all, and else the platform's", () => {
    const platform = { linksPerMonth: 100, domains: 1, members: null, requestsPerMinute: 60 };
    expect(inForce({ ...none, linksPerMonth: 0, members: 5 }, platform)).toEqual({
      linksPerMonth: 0,
      domains: 1,
      members: 5,
      requestsPerMinute: 60,
    });
    expect(inForce(none, none)).toEqual(none);
  });
});

describe('a month', () => {
  it.each([
    ['2026-11-01T00:00:00.000Z', '2026-11-01', '2026-12-01T00:00:00.000Z'],
    ['2026-11-30T23:59:59.999Z', '2026-11-01', '2026-12-01T00:00:00.000Z'],
    ['2026-12-31T23:59:59.999Z', '2026-12-01', '2027-01-01T00:00:00.000Z'],
    ['2028-02-29T12:00:00.000Z', '2028-02-01', '2028-03-01T00:00:00.000Z'],
    ['2026-12-01T00:30:00.000+02:00', '2026-11-01', '2026-12-01T00:00:00.000Z'],
  ])('that %s counts for begins on %s and ends at %s', (moment, month, end) => {
    expect(monthOf(new Date(moment))).toBe(month);
    expect(endOfMonth(new Date(moment)).toISOString()).toBe(end);
  });
});
