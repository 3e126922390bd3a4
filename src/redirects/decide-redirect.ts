import type { DomainTarget, StoredLink } from './redirect-target.js';

export type Decision =
  /** `sharedMaxAge`: seconds for which shared caches may keep it; null: not at all. */
  | { kind: 'found'; location: string; status: number; sharedMaxAge: number | null }
  /** The domain's page for what is not there, for what is no longer there, or its front page. */
  | { kind: 'fallback'; instead: 'unknown' | 'gone' | 'root'; location: string; status: 302 }
  | { kind: 'unknown' }
  /** Taken down, and visitors are to know. */
  | { kind: 'warned' }
  | { kind: 'gone' };

export interface RequestFacts {
  /** Raw query string without `?`; empty when there is none. */
  query: string;
}

/** What a visitor gets. A link that is unknown, taken down, disabled or not yet started is answered alike: nobody can tell which. */
export function decideRedirect(
  domain: DomainTarget,
  link: StoredLink | null,
  request: RequestFacts,
  now: Date,
): Decision {
  if (link?.takedown === 'warning') return { kind: 'warned' };
  if (!link || link.takedown || link.disabledAt || (link.startsAt && now < link.startsAt)) return unknown(domain);
  if (isExpired(link, now)) return gone(link.expiredUrl ?? domain.expiredUrl);
  const location = link.forwardQuery ? withQuery(link.url, request.query) : link.url;
  return { kind: 'found', location, status: link.redirectStatus, sharedMaxAge: sharedSeconds(link, now) };
}

export const decideRoot = (domain: DomainTarget): Decision =>
  domain.rootUrl ? fallback('root', domain.rootUrl) : unknown(domain);

/** Whether it tells the visitor that there is nothing at this address. */
export const isUnknown = (decision: Decision): boolean =>
  decision.kind === 'unknown' || (decision.kind === 'fallback' && decision.instead === 'unknown');

const isExpired = ({ expiresAt, maxClicks, clicks }: StoredLink, now: Date): boolean =>
  (expiresAt !== null && now >= expiresAt) || (maxClicks !== null && clicks >= maxClicks);

/** No cache may outlive the link, nor answer where clicks must be counted. */
function sharedSeconds({ sharedMaxAge, expiresAt, maxClicks }: StoredLink, now: Date): number | null {
  if (sharedMaxAge === null || maxClicks !== null) return null;
  const left = expiresAt ? Math.floor((expiresAt.getTime() - now.getTime()) / 1000) : Infinity;
  return Math.min(sharedMaxAge, left) || null;
}

const unknown = ({ notFoundUrl }: DomainTarget): Decision =>
  notFoundUrl ? fallback('unknown', notFoundUrl) : { kind: 'unknown' };

const gone = (location: string | null): Decision => (location ? fallback('gone', location) : { kind: 'gone' });

const fallback = (instead: 'unknown' | 'gone' | 'root', location: string): Decision => ({
  kind: 'fallback',
  instead,
  location,
  status: 302,
});

/** The visitor's parameters join the destination's and replace those of the same name. */
export function withQuery(destination: string, query: string): string {
  if (query === '') return destination;
  const url = new URL(destination);
  const given = new URLSearchParams(query);
  for (const name of new Set(given.keys())) url.searchParams.delete(name);
  for (const [name, value] of given) url.searchParams.append(name, value);
  return url.href;
}
