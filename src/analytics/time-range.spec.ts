import { describe, expect, it } from '@jest/globals';
import { timeRange } from './time-range.js';

const now = new Date('2026-11-23T12:07:30Z');
const to = new Date('2026-11-23T12:15:00Z');
const at = (text: string): Date => new Date(text);

describe('timeRange', () => {
  it('asks for the last 24 hours when nothing is said', () =>
    expect(timeRange({}, now)).toEqual({ from: at('2026-11-22T12:00:00Z'), to }));
  it('counts longer intervals back from now', () =>
    expect(timeRange({ interval: '7d' }, now)).toEqual({ from: at('2026-11-16T12:00:00Z'), to }));
  it('leaves the beginning of all time open', () =>
    expect(timeRange({ interval: 'all' }, now)).toEqual({ from: undefined, to }));
  it('takes the quarter-hours a range starts and ends in as a whole', () =>
    expect(timeRange({ start: at('2026-11-20T10:20:00Z'), end: at('2026-11-20T12:00:01Z') }, now)).toEqual({
      from: at('2026-11-20T10:15:00Z'),
      to: at('2026-11-20T12:15:00Z'),
    }));
  it('leaves whole quarter-hours as they are', () =>
    expect(timeRange({ start: at('2026-11-20T10:15:00Z'), end: at('2026-11-20T12:00:00Z') }, now)).toEqual({
      from: at('2026-11-20T10:15:00Z'),
      to: at('2026-11-20T12:00:00Z'),
    }));
  it('ends an open range now', () =>
    expect(timeRange({ start: at('2026-11-01T00:00:00Z') }, now)).toMatchObject({ to }));
});
