import { shortLinkOf } from '../domains/domains.reader.js';
import { toPublicId } from '../platform/ids.js';
import type { Row, Sums } from './analytics.repository.js';
import { dimensionOf } from './dimensions.js';
import type { Question } from './question.js';
import { isRounded } from './whole-hours.js';

/** What a question is answered with, in the API's terms. */
export function answerOf(question: Question, rows: Row[]): object {
  const shown = countsOf(question);
  switch (question.groupBy) {
    case 'count':
      return { ...shown(rows[0] ?? NOTHING), ...rounded(question.start, question.to, question) };
    case 'timeseries':
      return seriesOf(question, rows).map(({ start, end, sums }) => ({
        start: start.toISOString(),
        ...shown(sums),
        ...rounded(start < question.start ? question.start : start, end, question),
      }));
    case 'bots':
      return sharesOf(rows[0] ?? NOTHING, question);
    case 'top_links':
      return rows.map((row) => ({ ...linkOf(row), ...shown(row) }));
    case 'top_domains':
      return rows.map((row) => ({ id: toPublicId('dom', row.domainId), domain: row.domain, ...shown(row) }));
    default: {
      const name = dimensionOf(question.groupBy) ?? 'tag';
      return rows.map((row) => ({ [name]: row.key, ...shown(row) }));
    }
  }
}

const NOTHING: Sums = { clicks: 0, visitors: 0, bots: 0 };

/** Visitors are told when they are asked for. A bot is no visitor. */
const countsOf =
  ({ bots, event }: Question) =>
  (sums: Sums): object => {
    const clicks = (sums.clicks ?? 0) + (bots ? (sums.bots ?? 0) : 0);
    return event === 'visitors' ? { clicks, visitors: sums.visitors ?? 0 } : { clicks };
  };

/** Said only where it is so. */
const rounded = (from: Date, to: Date, question: Question): { wholeHours?: true } =>
  isRounded(from, to, question) ? { wholeHours: true } : {};

function seriesOf({ slices, to, open }: Question, rows: Row[]): Array<{ start: Date; end: Date; sums: Sums }> {
  const bySlice = new Map(rows.map((row) => [row.slice, row]));
  // The first entry may begin within an hour that is one sum.
  const before = bySlice.get(0);
  if (before) bySlice.set(1, added(before, bySlice.get(1)));
  bySlice.delete(0);
  const entries = slices.map((start, index) => ({
    start,
    end: slices[index + 1] ?? to,
    sums: bySlice.get(index + 1) ?? NOTHING,
  }));
  return open ? entries.slice(Math.min(...bySlice.keys(), Infinity) - 1) : entries;
}

const added = (row: Row, { clicks, visitors, bots }: Sums = NOTHING): Row => ({
  ...row,
  clicks: row.clicks + clicks,
  visitors: row.visitors + visitors,
  bots: row.bots + bots,
});

const sharesOf = ({ clicks, visitors, bots }: Sums, { event }: Question): object[] => {
  const of = (bot: boolean, clicks: number, visitors: number): object => ({
    bot,
    clicks: clicks ?? 0,
    ...(event === 'visitors' && { visitors: visitors ?? 0 }),
  });
  return [of(false, clicks, visitors), of(true, bots, 0)];
};

const linkOf = ({ linkId, domain, linkKey, url }: Row): object => ({
  id: toPublicId('link', linkId),
  domain,
  key: linkKey,
  shortLink: shortLinkOf(domain, linkKey),
  url,
});
