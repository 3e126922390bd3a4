import { SPAN_HOURS, type SpanHours } from '../clicks/click-spans.reader.js';
import type { Span } from './whole-days.js';

const HOUR = 3_600_000;
export const DAY = 24 * HOUR;
const LONGEST = Math.max(...SPAN_HOURS) * HOUR;

/** A sum that is there and up to date. */
export interface ClickSpan {
  first: Date;
  hours: SpanHours;
  /** Of links: the most that a link beyond each tier has of clicks, of clicks and bots, of visitors. */
  bounds?: { clicks: number[]; all: number[]; visitors: number[] };
}

/** What an answer is read from. */
export interface Cover {
  whole: ClickSpan[];
  /** What no span holds, or not all of. */
  rest: Span[];
  /** Every span there is, those that reach beyond the range, too. */
  known: ClickSpan[];
}

const endOf = ({ first, hours }: ClickSpan): Date => new Date(first.getTime() + hours * HOUR);

export const downTo = (time: Date, step: number): Date => new Date(Math.floor(time.getTime() / step) * step);

/** Before the first click there is nothing: a span may begin there, too. */
export const fromBeforeAll = (first: Date): Date => downTo(first, LONGEST);

export const uncovered = ({ from, to }: Span): Cover => ({ whole: [], rest: [{ from, to }], known: [] });

/**
 * Covers a range by as few spans as there can be. Where entries of a time series begin, none lies across.
 *
 * @param cuts ascending
 */
export function cover({ from, to }: Span, known: ClickSpan[], cuts: Date[]): Cover {
  const inOrder = known.toSorted((a, b) => a.first.getTime() - b.first.getTime() || b.hours - a.hours);
  const bounds = [from, ...cuts.filter((cut) => cut > from && cut < to), to];
  const whole: ClickSpan[] = [];
  const rest: Span[] = [];
  let next = 0;
  for (let n = 1; n < bounds.length; n++) {
    const [start, end] = [bounds[n - 1] as Date, bounds[n] as Date];
    let at = start;
    // Spans lie within each other, or apart: the longest one of the first that fits leaves most to be covered by few.
    for (; next < inOrder.length && (inOrder[next] as ClickSpan).first < end; next++) {
      const span = inOrder[next] as ClickSpan;
      if (span.first < at || endOf(span) > end) continue;
      if (span.first > at) add(rest, { from: at, to: span.first });
      whole.push(span);
      at = endOf(span);
    }
    if (at < end) add(rest, { from: at, to: end });
  }
  return { whole, rest, known };
}

/** Joins what touches: an answer reads as few pieces as can be. */
function add(pieces: Span[], piece: Span): void {
  const last = pieces.at(-1);
  if (last && last.to.getTime() === piece.from.getTime()) last.to = piece.to;
  else pieces.push(piece);
}

/** Cuts pieces at midnights of UTC. */
export const byDay = (pieces: Span[]): Span[] =>
  pieces.flatMap(({ from, to }) => {
    const days: Span[] = [];
    for (let at = from; at < to; at = (days.at(-1) as Span).to) {
      const midnight = new Date(downTo(at, DAY).getTime() + DAY);
      days.push({ from: at, to: midnight < to ? midnight : to });
    }
    return days;
  });
