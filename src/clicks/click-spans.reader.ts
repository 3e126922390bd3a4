/** What a span sums: the clicks of each link, or those of all links by what is known of the visit. */
export type SpanKind = 'links' | 'visits';

/**
 * How many hours spans have, the shorter ones dividing the longer ones; each begins at a multiple of its length since
 * 1970. Steps of four keep the rows few: with steps of two there would be half as many again, and a range of 90 days
 * would be seven spans instead of nine.
 */
export const SPAN_HOURS = [1, 4, 24, 96, 384, 1536] as const;
export type SpanHours = (typeof SPAN_HOURS)[number];

/** `tier` of a link in a span is the first of these that it is among: by clicks, by clicks and bots, or by visitors. */
export const TIERS = [32, 256, 2048] as const;

/** What visit_spans tell apart, by its columns and those of clicks: what has few values. */
export const CELL_COLUMNS = ['country', 'continent', 'device', 'browser', 'os', 'trigger'] as const;
