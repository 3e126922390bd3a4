import { TIERS } from '../clicks/click-spans.reader.js';
import { byDay, type ClickSpan, type Cover, DAY, downTo } from './cover.js';
import type { Question } from './question.js';
import { linksOf } from './question-sql.js';
import { matching, type Statement, SUMS, tagged, Values, within } from './sql-values.js';
import type { Span } from './whole-days.js';

/** A shorter piece of a day is read whole. */
const SHORT_MS = DAY / 4;
/** With the first links of each span, twice as many as asked for: more look-ups, and more often an answer. */
const SPARE = 2;

/** A statement that reads the first links of each span alone, and how to tell whether they were enough. */
export interface QuickTopLinks {
  statement: Statement;
  /** Whether no other link can be among these. */
  proves(rows: Array<Record<Measure, number>>): boolean;
}

type Measure = 'clicks' | 'visitors' | 'bots';

/** A span whose first links are looked at; of one that is not wholly within the range they only say what is possible. */
interface List {
  span: ClickSpan;
  whole: boolean;
}

/**
 * The most clicked links of a range without reading all of them: the threshold algorithm of Fagin, Lotem and Naor
 * ("Optimal aggregation algorithms for middleware", 2001), in the form that first drops what can not be among them.
 * Undefined where it gains nothing.
 */
export function quickTopLinks(tenantId: string, question: Question, cover: Cover): QuickTopLinks | undefined {
  const { filter, groupBy, limit } = question;
  const tier = TIERS.findIndex((most) => most >= SPARE * limit);
  const chosen = [filter.links, filter.domains, filter.tags].some((one) => one && one.include.length > 0);
  if (groupBy !== 'top_links' || chosen || filter.confinedTo || tier < 0) return undefined;
  const { lists, edges, read } = piecesOf(cover);
  if (lists.length === 0) return undefined;
  const bounds = lists.map(({ span }) => boundOf(question, span, tier));
  const unseen = bounds.reduce((sum, bound) => sum + bound, 0);
  const values = new Values(tenantId);
  const sql = statementOf(question, { lists, edges, read, bounds, unseen, tier }, values);
  const byVisitors = question.event === 'visitors';
  return {
    statement: { sql, values: values.all },
    proves(rows) {
      const last = rows.at(-1);
      // Who has no visitors may have clicks, and be next.
      if (unseen === 0 && !byVisitors) return true;
      return rows.length === limit && last !== undefined && measured(question, last) > unseen;
    },
  };
}

const measured = ({ event, bots }: Question, row: Record<Measure, number>): number =>
  event === 'visitors' ? row.visitors : row.clicks + (bots ? row.bots : 0);

const measureOf = ({ event, bots }: Question): string =>
  event === 'visitors' ? 'visitors' : bots ? 'clicks + bots' : 'clicks';

function boundOf({ event, bots }: Question, { bounds }: ClickSpan, tier: number): number {
  if (!bounds) throw new Error('A span of links has bounds');
  return bounds[event === 'visitors' ? 'visitors' : bots ? 'all' : 'clicks'][tier] as number;
}

interface Pieces {
  lists: List[];
  /** Of days whose lists say what is possible: read link by link. */
  edges: Span[];
  /** Read whole. */
  read: Span[];
}

function piecesOf({ whole, rest, known }: Cover): Pieces {
  const days = new Map(known.filter(({ hours }) => hours === 24).map((span) => [span.first.getTime(), span]));
  const enclosing = new Set<ClickSpan>();
  const pieces: Pieces = { lists: whole.map((span) => ({ span, whole: true })), edges: [], read: [] };
  for (const piece of byDay(rest)) {
    const day = days.get(downTo(piece.from, DAY).getTime());
    if (day && piece.to.getTime() - piece.from.getTime() > SHORT_MS) {
      enclosing.add(day);
      pieces.edges.push(piece);
    } else {
      pieces.read.push(piece);
    }
  }
  pieces.lists.push(...Array.from(enclosing, (span) => ({ span, whole: false })));
  return pieces;
}

interface Search extends Pieces {
  bounds: number[];
  unseen: number;
  tier: number;
}

// Looked up link by link, as lists: the planner, who expects other numbers, would read whole spans.
function statementOf(question: Question, search: Search, values: Values): string {
  const { lists, edges, read, bounds, unseen, tier } = search;
  const measure = measureOf(question);
  const asked = conditionsOf(question, values);
  const array = (list: unknown[], type: string): string => values.add(list, `${type}[]`);
  const hours = lists.map(({ span }) => span.hours);
  const firsts = lists.map(({ span }) => span.first);
  const whole = lists.map((list) => list.whole);
  return `WITH list AS MATERIALIZED (
       SELECT * FROM unnest(${array(hours, 'int')}, ${array(firsts, 'timestamptz')}, ${array(bounds, 'bigint')}, ${array(whole, 'boolean')})
         AS list (hours, first, bound, whole)
     ), recent AS MATERIALIZED (
       SELECT link_id, sum(clicks)::bigint AS clicks, sum(visitors)::bigint AS visitors, sum(bots)::bigint AS bots
       FROM click_rollups WHERE tenant_id = $1 AND ${anyOf(read, values)} GROUP BY 1
     ), tops AS (
       SELECT top.link_id, CASE WHEN list.whole THEN top.measure ELSE 0 END AS least, top.measure - list.bound AS more
       FROM list CROSS JOIN LATERAL (
         SELECT link_id, ${measure} AS measure FROM link_spans
         WHERE tenant_id = $1 AND hours = list.hours AND first = list.first AND tier <= ${values.add(tier, 'smallint')}
         OFFSET 0) AS top
       UNION ALL
       SELECT link_id, ${measure}, ${measure} FROM recent
     ), seen AS MATERIALIZED (
       SELECT link_id, sum(least)::bigint AS least, sum(more)::bigint + ${values.add(unseen, 'bigint')} AS most
       FROM tops GROUP BY 1
     ), best AS (
       SELECT link_id, least FROM seen ORDER BY least DESC LIMIT ${values.add(SPARE * question.limit, 'int')}
     ), possible AS MATERIALIZED (
       SELECT link_id FROM seen JOIN links AS link ON link.tenant_id = $1 AND link.id = link_id
       WHERE most >= coalesce((
         SELECT least FROM best JOIN links AS link ON link.tenant_id = $1 AND link.id = link_id
         WHERE true${asked} ORDER BY least DESC OFFSET ${values.add(question.limit - 1, 'int')} LIMIT 1), 0)${asked}
     ), counted AS (
       SELECT possible.link_id, part.* FROM possible CROSS JOIN list CROSS JOIN LATERAL (
         SELECT clicks, visitors, bots FROM link_spans
         WHERE tenant_id = $1 AND hours = list.hours AND first = list.first AND link_id = possible.link_id LIMIT 1) AS part
       WHERE list.whole
       UNION ALL
       SELECT * FROM recent WHERE link_id IN (SELECT link_id FROM possible)
       ${edges.length > 0 ? edgesOf(edges, values) : ''}
     ), summed AS (SELECT link_id AS key, ${SUMS} FROM counted GROUP BY 1)${linksOf(question, values)}`;
}

const edgesOf = (edges: Span[], values: Values): string => `
       UNION ALL
       SELECT possible.link_id, part.* FROM possible CROSS JOIN LATERAL (
         SELECT clicks, visitors, bots FROM click_rollups
         WHERE tenant_id = $1 AND link_id = possible.link_id AND ${anyOf(edges, values)} OFFSET 0) AS part`;

const anyOf = (pieces: Span[], values: Values): string =>
  pieces.length === 0 ? 'false' : `(${pieces.map((piece) => `(${within('bucket', piece, values)})`).join(' OR ')})`;

const conditionsOf = ({ filter }: Question, values: Values): string =>
  [
    matching('link_id', filter.links, 'uuid', values),
    matching('link.domain_id', filter.domains, 'uuid', values),
    tagged('link_id', filter.tags, values),
  ].join('');
