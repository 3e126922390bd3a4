import { CELL_COLUMNS, type SpanKind } from '../clicks/click-spans.reader.js';
import type { LinkRestrictions } from '../platform/context/context.js';
import { type Dimension, DIMENSIONS, dimensionOf, type Grouping, type RollupDimension } from './dimensions.js';
import type { ValueFilter } from './value-filter.js';

/** What narrows the clicks down. Links, domains and tags are ids and names; `''` in a dimension is "not known". */
export interface ClickFilter {
  dimensions: Partial<Record<Dimension, ValueFilter>>;
  links?: ValueFilter | undefined;
  domains?: ValueFilter | undefined;
  tags?: ValueFilter | undefined;
  /** Those of who asks: links as they are now, not as they were when they were clicked. */
  confinedTo?: LinkRestrictions | undefined;
}

/** A question with all names resolved. */
export interface Question {
  groupBy: Grouping;
  /** As asked; what is read begins at `from`, which may be earlier. */
  start: Date;
  from: Date;
  /** Exclusive. */
  to: Date;
  /** Where the entries of a time series begin; the first may begin before the range. */
  slices: Date[];
  /** Sums of before this time are by hour; undefined where the answer is read from single clicks. */
  wholeHoursBefore: Date | undefined;
  /** Whether a time series begins with the first click that is counted, and not before. */
  open: boolean;
  filter: ClickFilter;
  /** Whether clicks of bots count, too. */
  bots: boolean;
  event: 'clicks' | 'visitors';
  /** Most entries of a breakdown. */
  limit: number;
}

/**
 * Where the answer is read: sums of the whole tenant, sums by one dimension, sums by link, or the clicks themselves.
 */
export type Source =
  { kind: 'tenant' } | { kind: 'dimension'; dimension: RollupDimension } | { kind: 'links' } | { kind: 'clicks' };

/** Visitors are those of links, each counted once a day on each link, where the question names or lists links. */
export const isAboutLinks = ({ groupBy, filter }: Pick<Question, 'groupBy' | 'filter'>): boolean =>
  groupBy === 'top_links' || groupBy === 'top_tags' || Boolean(filter.links ?? filter.tags ?? filter.confinedTo);

/** The cheapest source that knows the answer. */
export function sourceOf(question: Pick<Question, 'groupBy' | 'filter'>): Source {
  const { groupBy, filter } = question;
  const own = dimensionOf(groupBy);
  const concerned = new Set<RollupDimension>(
    [own, ...(Object.keys(filter.dimensions) as Dimension[])].flatMap((name) => (name ? [DIMENSIONS[name]] : [])),
  );
  if (isAboutLinks(question)) {
    return concerned.size === 0 && groupBy !== 'top_domains' ? { kind: 'links' } : { kind: 'clicks' };
  }
  if (filter.domains || groupBy === 'top_domains') concerned.add('domain_id');
  const [dimension, another] = concerned;
  if (dimension === undefined) return { kind: 'tenant' };
  return another === undefined ? { kind: 'dimension', dimension } : { kind: 'clicks' };
}

const CELL: ReadonlySet<string> = new Set(CELL_COLUMNS);

/** Which spans know the answer, too, if any do. */
export function spanKindOf(question: Pick<Question, 'groupBy' | 'filter'>): SpanKind | undefined {
  const { groupBy, filter } = question;
  const { kind } = sourceOf(question);
  if (kind === 'links') return 'links';
  if (kind !== 'clicks' || isAboutLinks(question) || filter.domains || groupBy === 'top_domains') return undefined;
  const names = Object.keys(filter.dimensions) as Dimension[];
  return [...names, dimensionOf(groupBy)].every((name) => name === undefined || CELL.has(DIMENSIONS[name]))
    ? 'visits'
    : undefined;
}
