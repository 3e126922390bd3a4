import { type Cover, type ClickSpan, uncovered } from './cover.js';
import { DIMENSIONS, dimensionOf, type Dimension, type RollupDimension } from './dimensions.js';
import { isAboutLinks, type Question, type Source, sourceOf } from './question.js';
import { confined, eachOf, matching, onDomains, type Statement, SUMS, tagged, Values, within } from './sql-values.js';
import { daysWithin, type Span } from './whole-days.js';
import type { ValueFilter } from './value-filter.js';

/** The statement that answers a question for a tenant. */
export function statementOf(tenantId: string, question: Question, cover: Cover = uncovered(question)): Statement {
  const values = new Values(tenantId);
  const rows = rowsOf(question, sourceOf(question), { cover, values });
  return { sql: grouped(question, rows, values), values: values.all };
}

interface Reading {
  cover: Cover;
  values: Values;
}

/** Rows of (at, key, clicks, visitors, bots): `key` is what the answer is grouped by, if anything is. */
function rowsOf(question: Question, source: Source, reading: Reading): string {
  const { from, to } = question;
  const whole = { from, to };
  const { values } = reading;
  switch (source.kind) {
    case 'links':
      return linkRows(question, reading);
    case 'clicks':
      return clickRows(question, reading);
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
  return together([days(cut.days), ...cut.ends.map(quarters)]);
}

const together = (selects: string[]): string => selects.join('\n    UNION ALL ');

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

function linkRows(question: Question, { cover, values }: Reading): string {
  const { links, domains, tags, confinedTo } = question.filter;
  const conditions = [
    matching('link_id', links, 'uuid', values),
    onDomains(domains, values),
    tagged('link_id', tags, values),
    confined(confinedTo, values),
  ].join('');
  const quarters = (time: string): string =>
    `SELECT bucket AS at, link_id AS key, clicks, visitors, bots FROM click_rollups
     WHERE tenant_id = $1 AND ${time}
       ${conditions}`;
  return together([
    ...spanRows('link_spans', 'link_id', cover.whole, conditions, values),
    ...eachOf(cover.rest, 'bucket', values, quarters),
  ]);
}

function clickRows(question: Question, { cover, values }: Reading): string {
  const first = isAboutLinks(question) ? 'first_of_link' : 'first_of_tenant';
  const clicks = (time: string): string =>
    `SELECT occurred_at AS at, ${keyOf(question)} AS key,
            (NOT bot)::int AS clicks, ${first}::int AS visitors, bot::int AS bots FROM clicks
     WHERE tenant_id = $1 AND ${time}${clickConditions(question, values)}`;
  return together([...cellRows(question, cover.whole, values), ...eachOf(cover.rest, 'occurred_at', values, clicks)]);
}

/** Sums by what is known of a visit, where '' is not known. */
function cellRows(question: Question, spans: ClickSpan[], values: Values): string[] {
  if (spans.length === 0) return [];
  const { filter, groupBy, bots } = question;
  const own = dimensionOf(groupBy);
  const conditions = [
    // What a deleted link had was taken out: zeros may be left.
    bots || groupBy === 'bots' ? ' AND clicks + bots > 0' : ' AND clicks > 0',
    ...Object.entries(filter.dimensions).map(([name, one]) =>
      matching(DIMENSIONS[name as Dimension], one, 'text', values),
    ),
  ];
  return spanRows('visit_spans', own ? DIMENSIONS[own] : 'NULL::text', spans, conditions.join(''), values);
}

/** Span by span, by the index: each is a piece of it. */
function spanRows(table: string, key: string, spans: ClickSpan[], conditions: string, values: Values): string[] {
  if (spans.length === 0) return [];
  const hours = values.add(
    spans.map((span) => span.hours),
    'int[]',
  );
  const firsts = values.add(
    spans.map(({ first }) => first),
    'timestamptz[]',
  );
  return [
    `SELECT span.first AS at, part.* FROM unnest(${hours}, ${firsts}) AS span (hours, first)
     CROSS JOIN LATERAL (
       SELECT ${key} AS key, clicks, visitors, bots FROM ${table}
       WHERE tenant_id = $1 AND hours = span.hours AND first = span.first${conditions} OFFSET 0) AS part`,
  ];
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
    tagged('link_id', filter.tags, values),
    confined(filter.confinedTo, values),
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
      return `${summed}${linksOf(question, values)}`;
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

/** The links of `summed`, most clicked first. */
export const linksOf = (question: Question, values: Values): string => `
     SELECT link.id AS "linkId", domain.hostname AS domain, link.key AS "linkKey", link.url, clicks, visitors, bots
     FROM summed JOIN links AS link ON link.tenant_id = $1 AND link.id = summed.key
     JOIN domains AS domain ON domain.tenant_id = $1 AND domain.id = link.domain_id ${best(question, 'link.id', values)}`;

const PER_TAG = `tagged AS (
       SELECT tag.name AS key, ${SUMS}
       FROM summed JOIN tags AS tag ON tag.tenant_id = $1 AND tag.link_id = summed.key GROUP BY 1)`;

/** The most clicked first; what has no click of those asked for is not there. */
function best({ bots, event, limit }: Question, tie: string, values: Values): string {
  const clicks = bots ? 'clicks + bots' : 'clicks';
  const order = event === 'visitors' ? `visitors DESC, ${clicks} DESC` : `${clicks} DESC`;
  return `WHERE ${clicks} > 0 ORDER BY ${order}, ${tie} LIMIT ${values.add(limit, 'int')}`;
}
