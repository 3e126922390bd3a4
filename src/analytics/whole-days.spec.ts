import { describe, expect, it } from '@jest/globals';
import { daysWithin } from './whole-days.js';

const at = (text: string): Date => new Date(`2026-01-${text}Z`);
const span = (from: string, to: string) => ({ from: at(from), to: at(to) });
const range = { ...span('01T10:15', '04T00:30'), slices: [] };

describe('daysWithin', () => {
  it('cuts a range into whole days and its ends', () =>
    expect(daysWithin(range)).toEqual({
      days: span('02T00:00', '04T00:00'),
      ends: [span('01T10:15', '02T00:00'), span('04T00:00', '04T00:30')],
    }));
  it('leaves no ends where there are none', () =>
    expect(daysWithin({ ...span('01T00:00', '02T00:00'), slices: [] })).toEqual({
      days: span('01T00:00', '02T00:00'),
      ends: [],
    }));
  it('finds no day in what is shorter', () =>
    expect(daysWithin({ ...span('01T00:15', '02T23:45'), slices: [] })).toBeUndefined());
  it('lets no day be cut', () => {
    expect(daysWithin({ ...range, slices: [at('01T00:00'), at('02T00:00'), at('03T00:00')] })).toBeDefined();
    expect(daysWithin({ ...range, slices: [at('01T00:00'), at('01T23:00')] })).toBeUndefined();
  });
});
