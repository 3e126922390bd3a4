import { DIMENSIONS, dimensionOf, type Dimension, type RollupDimension } from './dimensions.js';
import { isAboutLinks, type Question, type Source, sourceOf } from './question.js';
import { daysWithin, type Span } from './whole-days.js';
import type { ValueFilter } from './value-filter.js';

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

/** The statement that answers a question for a tenant. */
export function statementOf(tenantId: string, question: Question): Statement {
  const values = new Values(tenantId);
  const rows = rowsOf(question, sourceOf(question), values);
  return { sql: grouped(question, rows, values), values: values.all };
}

const SUMS = `sum(clicks)::float8 AS clicks, sum(visitors)::float8 AS visitors, sum(bots)::float8 AS bots`;

/** Rows of (at, key, clicks, visitors, bots): `key` is what the answer is grouped by, if anything is. */
function rowsOf(question: Question, source: Source, values: Values): string {
  const { from, to } = question;
  const whole = { from, to };
  switch (source.kind) {
    case 'links':
      return linkRows(question, values);
    case 'clicks':
      return clickRows(question, values);
    case 'tenant': {
      const read = (span: Span): string => tenantRows(span, values);
      // Every click has a trigger: its days sum up to the tenant's.
      return cutAtDays(question, read, (days) => dayRows(days, 'trigger', undefined, values)) ?? read(whole);
    }
    case 'dimension': {
      const { dimension } = source;
      const filter = filterOf(question, dimension);
      const read = (span: Span): string => bucketRows(span, dimension, filter, values);
      return cutAtDays(question, read, (days) => dayRows(days, dimension, filter, values)) ?? read(whole);
    }
  }
}

const filterOf = ({ filter }: Question, dimension: RollupDimension): ValueFilter | undefined =>
  dimension === 'domain_id'
    ? filter.domains
    : Object.entries(filter.dimensions).find(([name]) => DIMENSIONS[name as Dimension] === dimension)?.[1];

/** Whole UTC days from the sums by day, the ragged ends by quarter-hour; undefined when nothing is to be gained. */
function cutAtDays(
  question: Question,
  quarters: (span: Span) => string,
  days: (span: Span) => string,
): string | undefined {
  const cut = daysWithin(question);
  if (!cut) return undefined;
  return [days(cut.days), ...cut.ends.map(quarters)].join('\n    UNION ALL ');
}

const within = (column: string, { from, to }: Span, values: Values): string =>
  `${column} >= ${values.add(from, 'timestamptz')} AND ${column} < ${values.add(to, 'timestamptz')}`;

const tenantRows = (span: Span, values: Values): string =>
  `SELECT bucket AS at, NULL::text AS key, clicks, visitors, bots FROM tenant_rollups
     WHERE tenant_id = $1 AND ${within('bucket', span, values)}`;

function bucketRows(span: Span, dimension: string, filter: ValueFilter | undefined, values: Values): string {
  return `SELECT bucket AS at, value AS key, clicks, visitors, bots FROM breakdown_rollups
     WHERE tenant_id = $1 AND dimension = ${values.add(dimension, 'text')}
       AND ${within('bucket', span, values)}${matching('value', filter, 'text', values)}`;
}

function dayRows({ from, to }: Span, dimension: string, filter: ValueFilter | undefined, values: Values): string {
  return `SELECT day::timestamp AT TIME ZONE 'UTC' AS at, value AS key, clicks, visitors, bots FROM click_days
     WHERE tenant_id = $1 AND dimension = ${values.add(dimension, 'text')}
       AND day >= ${values.add(dayOf(from), 'date')} AND day < ${values.add(dayOf(to), 'date')}${matching('value', filter, 'text', values)}`;
}

const dayOf = (time: Date): string => time.toISOString().slice(0, 10);

/** Ends in nothing, or in further conditions. */
function matching(column: string, filter: ValueFilter | undefined, type: string, values: Values): string {
  if (!filter) return '';
  const { include, exclude } = filter;
  return [
    include.length > 0 ? ` AND ${column} = ANY (${values.add(include, `${type}[]`)})` : '',
    exclude.length > 0 ? ` AND ${column} <> ALL (${values.add(exclude, `${type}[]`)})` : '',
  ].join('');
}

function linkRows(question: Question, values: Values): string {
  const { links, domains, tags } = question.filter;
  const ofDomains = domains
    ? ` AND link_id IN (SELECT id FROM links WHERE tenant_id = $1${matching('domain_id', domains, 'uuid', values)})`
    : '';
  return `SELECT bucket AS at, link_id AS key, clicks, visitors, bots FROM click_rollups
     WHERE tenant_id = $1 AND ${within('bucket', question, values)}
       ${matching('link_id', links, 'uuid', values)}${ofDomains}${tagged(tags, values)}`;
}

const tagged = (tags: ValueFilter | undefined, values: Values): string => {
  const withOne = (operator: string, names: string[]): string =>
    names.length === 0
      ? ''
      : ` AND link_id ${operator} (SELECT link_id FROM tags WHERE tenant_id = $1 AND name = ANY (${values.add(names, 'text[]')}))`;
  return tags ? withOne('IN', tags.include) + withOne('NOT IN', tags.exclude) : '';
};

function clickRows(question: Question, values: Values): string {
  const first = isAboutLinks(question) ? 'first_of_link' : 'first_of_tenant';
  return `SELECT occurred_at AS at, ${keyOf(question)} AS key,
            (NOT bot)::int AS clicks, ${first}::int AS visitors, bot::int AS bots FROM clicks
     WHERE tenant_id = $1 AND ${within('occurred_at', question, values)}${clickConditions(question, values)}`;
}

function keyOf({ groupBy }: Question): string {
  if (groupBy === 'top_links' || groupBy === 'top_tags') return 'link_id';
  if (groupBy === 'top_domains') return 'domain_id::text';
  const dimension = dimensionOf(groupBy);
  return dimension ? known(dimension) : 'NULL::text';
}

const known = (dimension: Dimension): string => `coalesce(${DIMENSIONS[dimension]}, '')`;

/** Conditions on clicks besides tenant and time. */
export function clickConditions(
  { filter, bots, groupBy }: Pick<Question, 'filter' | 'bots' | 'groupBy'>,
  values: Values,
): string {
  return [
    bots || groupBy === 'bots' ? '' : ' AND NOT bot',
    matching('link_id', filter.links, 'uuid', values),
    matching('domain_id', filter.domains, 'uuid', values),
    tagged(filter.tags, values),
    ...Object.entries(filter.dimensions).map(([name, one]) => matching(known(name as Dimension), one, 'text', values)),
  ].join('');
}

function grouped(question: Question, rows: string, values: Values): string {
  const summed = `WITH summed AS (SELECT key, ${SUMS} FROM (${rows}) AS counted GROUP BY key)`;
  switch (question.groupBy) {
    case 'count':
    case 'bots':
      return `SELECT ${SUMS} FROM (${rows}) AS counted`;
    case 'timeseries':
      return `SELECT width_bucket(at, ${values.add(question.slices, 'timestamptz[]')}) AS slice, ${SUMS}
     FROM (${rows}) AS counted GROUP BY 1`;
    case 'top_links':
      return `${summed}
     SELECT link.id AS "linkId", domain.hostname AS domain, link.key AS "linkKey", link.url, clicks, visitors, bots
     FROM summed JOIN links AS link ON link.tenant_id = $1 AND link.id = summed.key
     JOIN domains AS domain ON domain.tenant_id = $1 AND domain.id = link.domain_id ${best(question, 'link.id', values)}`;
    case 'top_tags':
      return `${summed}, ${PER_TAG} SELECT key, clicks, visitors, bots FROM tagged ${best(question, 'key', values)}`;
    case 'top_domains':
      return `${summed}
     SELECT domain.id AS "domainId", domain.hostname AS domain, clicks, visitors, bots
     FROM summed JOIN domains AS domain ON domain.tenant_id = $1 AND domain.id::text = summed.key ${best(question, 'domain.id', values)}`;
    default:
      return `${summed} SELECT nullif(key, '') AS key, clicks, visitors, bots FROM summed ${best(question, 'summed.key', values)}`;
  }
}

const PER_TAG = `tagged AS (
       SELECT tag.name AS key, ${SUMS}
       FROM summed JOIN tags AS tag ON tag.tenant_id = $1 AND tag.link_id = summed.key GROUP BY 1)`;

/** The most clicked first; what has no click of those asked for is not there. */
function best({ bots, event, limit }: Question, tie: string, values: Values): string {
  const clicks = bots ? 'clicks + bots' : 'clicks';
  const order = event === 'visitors' ? `visitors DESC, ${clicks} DESC` : `${clicks} DESC`;
  return `WHERE ${clicks} > 0 ORDER BY ${order}, ${tie} LIMIT ${values.add(limit, 'int')}`;
}
