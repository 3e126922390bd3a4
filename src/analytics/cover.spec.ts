import { describe, expect, it } from '@jest/globals';
import type { SpanHours } from '../clicks/click-spans.reader.js';
import { byDay, type ClickSpan, cover, fromBeforeAll, uncovered } from './cover.js';

const at = (text: string): Date => new Date(`2026-01-${text}Z`);
const range = (from: string, to: string) => ({ from: at(from), to: at(to) });
const span = (first: string, hours: SpanHours): ClickSpan => ({ first: at(first), hours });
const days = (...texts: string[]): ClickSpan[] => texts.map((text) => span(`${text}T00:00`, 24));

describe('cover', () => {
  const known = [...days('01', '02', '03', '04', '05', '06'), span('02T00:00', 96), span('06T00:00', 1)];

  it('takes few long spans, and leaves the ends', () =>
    expect(cover(range('01T10:15', '06T03:00'), known, [])).toEqual({
      whole: [span('02T00:00', 96), span('06T00:00', 1)],
      rest: [range('01T10:15', '02T00:00'), range('06T01:00', '06T03:00')],
      known,
    }));
  it('takes what lies within a span that reaches too far', () =>
    expect(cover(range('03T00:00', '07T00:00'), known, [])).toMatchObject({
      whole: days('03', '04', '05', '06'),
      rest: [],
    }));
  it('leaves what no span has', () =>
    expect(cover(range('01T00:00', '04T00:00'), days('01', '03'), [])).toMatchObject({
      whole: days('01', '03'),
      rest: [range('02T00:00', '03T00:00')],
    }));
  it('lets no span lie across the beginning of an entry, and joins the rest', () => {
    const cuts = [at('01T00:00'), at('02T00:00'), at('03T00:00'), at('05T23:00')];
    expect(cover(range('01T00:00', '06T00:00'), known, cuts)).toMatchObject({
      whole: days('01', '02', '03', '04'),
      rest: [range('05T00:00', '06T00:00')],
    });
  });
  it('leaves all where there is nothing', () =>
    expect(cover(range('01T00:00', '02T00:00'), [], [])).toEqual(uncovered(range('01T00:00', '02T00:00'))));
});

it('begins before all at the beginning of a span of every length', () => {
  const first = fromBeforeAll(at('09T10:15'));
  expect(first.getTime() % (1536 * 3_600_000)).toBe(0);
  expect(at('09T10:15').getTime() - first.getTime()).toBeLessThan(1536 * 3_600_000);
});

it('cuts pieces at midnights', () =>
  expect(byDay([range('01T10:15', '03T01:00'), range('05T00:00', '06T00:00')])).toEqual([
    range('01T10:15', '02T00:00'),
    range('02T00:00', '03T00:00'),
    range('03T00:00', '03T01:00'),
    range('05T00:00', '06T00:00'),
  ]));
