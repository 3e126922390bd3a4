import { shortLinkOf } from '../domains/domains.reader.js';
import { toPublicId } from '../platform/ids.js';
import type { Row, Sums } from './analytics.repository.js';
import { dimensionOf } from './dimensions.js';
import type { Question } from './question.js';

/** What a question is answered with, in the API's terms. */
export function answerOf(question: Question, rows: Row[]): object {
  const shown = countsOf(question);
  switch (question.groupBy) {
    case 'count':
      return shown(rows[0] ?? NOTHING);
    case 'timeseries':
      return seriesOf(question, rows).map(({ start, sums }) => ({ start: start.toISOString(), ...shown(sums) }));
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

function seriesOf({ slices, open }: Question, rows: Row[]): Array<{ start: Date; sums: Sums }> {
  const bySlice = new Map(rows.map((row) => [row.slice, row]));
  const entries = slices.map((start, index) => ({ start, sums: bySlice.get(index + 1) ?? NOTHING }));
  return open ? entries.slice(Math.min(...bySlice.keys(), Infinity) - 1) : entries;
}

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
