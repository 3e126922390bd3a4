import type { LinkRestrictions } from '../platform/context/context.js';
import type { ValueFilter } from './value-filter.js';
import type { Span } from './whole-days.js';

export interface Statement {
  sql: string;
  values: unknown[];
}

/** Collects the values of a statement; $1 is the tenant. */
export class Values {
  readonly all: unknown[];

  constructor(tenantId: string) {
    this.all = [tenantId];
  }

  add(value: unknown, type: string): string {
    this.all.push(value);
    return `$${this.all.length}::${type}`;
  }
}

export const SUMS = `sum(clicks)::float8 AS clicks, sum(visitors)::float8 AS visitors, sum(bots)::float8 AS bots`;

export const within = (column: string, { from, to }: Span, values: Values): string =>
  `${column} >= ${values.add(from, 'timestamptz')} AND ${column} < ${values.add(to, 'timestamptz')}`;

/** Ends in nothing, or in further conditions. */
export function matching(column: string, filter: ValueFilter | undefined, type: string, values: Values): string {
  if (!filter) return '';
  const { include, exclude } = filter;
  return [
    include.length > 0 ? ` AND ${column} = ANY (${values.add(include, `${type}[]`)})` : '',
    exclude.length > 0 ? ` AND ${column} <> ALL (${values.add(exclude, `${type}[]`)})` : '',
  ].join('');
}

export const tagged = (column: string, tags: ValueFilter | undefined, values: Values): string => {
  const withOne = (operator: string, names: string[]): string =>
    names.length === 0
      ? ''
      : ` AND ${column} ${operator} (SELECT link_id FROM tags WHERE tenant_id = $1 AND name = ANY (${values.add(names, 'text[]')}))`;
  return tags ? withOne('IN', tags.include) + withOne('NOT IN', tags.exclude) : '';
};

export const onDomains = (domains: ValueFilter | undefined, values: Values): string =>
  domains
    ? ` AND link_id IN (SELECT id FROM links WHERE tenant_id = $1${matching('domain_id', domains, 'uuid', values)})`
    : '';

/** To the links that who asks may see. */
export const confined = ({ domainIds, tags }: LinkRestrictions = {}, values: Values): string =>
  onDomains(domainIds && { include: [...domainIds], exclude: [] }, values) +
  tagged('link_id', tags && { include: [...tags], exclude: [] }, values);

/** More pieces of a range than these are not worth a subquery each, which has all its partitions planned. */
const MOST_SUBQUERIES = 3;

/**
 * Reads pieces of a range.
 *
 * @param read a SELECT of what the condition, on its time, says
 */
export function eachOf(pieces: Span[], column: string, values: Values, read: (condition: string) => string): string[] {
  if (pieces.length <= MOST_SUBQUERIES) return pieces.map((piece) => read(within(column, piece, values)));
  const [from, to] = [pieces[0] as Span, pieces.at(-1) as Span];
  const starts = values.add(
    pieces.map((piece) => piece.from),
    'timestamptz[]',
  );
  const ends = values.add(
    pieces.map((piece) => piece.to),
    'timestamptz[]',
  );
  const overall = within(column, { from: from.from, to: to.to }, values);
  const condition = `${overall} AND ${column} >= piece.since AND ${column} < piece.until`;
  return [
    `SELECT part.* FROM unnest(${starts}, ${ends}) AS piece (since, until) CROSS JOIN LATERAL (${read(condition)} OFFSET 0) AS part`,
  ];
}
