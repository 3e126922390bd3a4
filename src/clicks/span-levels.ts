import type { SpanHours, SpanKind } from './click-spans.reader.js';

/** The spans of one length, in the order in which they are made. */
export interface SpanLevel {
  kind: SpanKind;
  hours: SpanHours;
  /** The length of the spans it sums; undefined: it sums what ingest keeps. */
  of: SpanHours | undefined;
  /** Whether it serves only while its day lasts: then the day's span does. */
  passing: boolean;
}

const level = (kind: SpanKind, hours: SpanHours, of?: SpanHours, passing = false): SpanLevel => ({
  kind,
  hours,
  of,
  passing,
});

/** Parts of days with fewer clicks are read as quickly without a sum. */
export const LEAST_OF_PARTS = 1_000;

// Parts come before their days: they are made as long as these are not up to date. Single clicks are wide rows, so parts
// of past days are kept for questions that begin or end within one; what links had in a part of a day is read by link.
export const LEVELS: SpanLevel[] = [
  level('links', 1, undefined, true),
  level('links', 4, undefined, true),
  level('links', 24),
  level('links', 96, 24),
  level('links', 384, 96),
  level('links', 1536, 384),
  level('visits', 1, undefined, true),
  level('visits', 4),
  level('visits', 24),
  level('visits', 96, 24),
  level('visits', 384, 96),
  level('visits', 1536, 384),
];
