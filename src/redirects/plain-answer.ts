import type { LinkTarget, PlainAnswer, StoredLink } from './redirect-target.js';

/** Unless the link says so, nobody's cache may keep an answer for longer than an edit may take to be in force. */
const CACHE_CONTROL = { permanent: 'private, max-age=30', temporary: 'private, no-cache' } as const;
/** Browsers ask again all the same, so that the cache they ask is the only one that is late. */
const SHARED = { permanent: 'public, max-age=30, s-maxage=', temporary: 'public, max-age=0, s-maxage=' } as const;
/** One text for all links that have it: two for each second of a day at most. */
const sharedTexts = new Map<string, string>();

/** @param sharedMaxAge seconds for which shared caches may keep the answer; null: not at all */
export const redirectHeaders = (
  status: number,
  location: string,
  sharedMaxAge: number | null,
): Record<string, string> => ({
  location,
  'cache-control': cacheControl(status === 301 || status === 308 ? 'permanent' : 'temporary', sharedMaxAge),
  'x-robots-tag': 'noindex',
  'content-length': '0',
});

function cacheControl(kind: keyof typeof SHARED, sharedMaxAge: number | null): string {
  if (sharedMaxAge === null) return CACHE_CONTROL[kind];
  const text = SHARED[kind] + sharedMaxAge;
  const known = sharedTexts.get(text);
  if (known === undefined) sharedTexts.set(text, text);
  return known ?? text;
}

type Settings = Pick<
  StoredLink,
  'url' | 'startsAt' | 'expiresAt' | 'maxClicks' | 'redirectStatus' | 'disabledAt' | 'takedown' | 'sharedMaxAge'
>;

/**
 * The answer to a link that is answered the same each time, made once when it is looked up. Null for one that depends
 * on the moment: each request for it is decided anew.
 */
export function plainAnswer({
  url,
  startsAt,
  expiresAt,
  maxClicks,
  redirectStatus,
  disabledAt,
  takedown,
  sharedMaxAge,
}: Settings): PlainAnswer | null {
  if (startsAt || expiresAt || maxClicks !== null || disabledAt || takedown) return null;
  return { status: redirectStatus, headers: redirectHeaders(redirectStatus, url, sharedMaxAge) };
}

/** For JSON.stringify: what is kept of a link elsewhere is what was stored. The rest follows from it. */
export const asStored = (field: string, value: unknown): unknown =>
  field === 'plain' || field === 'spooledIn' || field === 'spooledAt' ? undefined : value;

/** One literal for all links, what each redirect reads or writes in front: V8 has one shape for them, with no parts elsewhere. */
export const linkTargetOf = (link: StoredLink): LinkTarget => ({
  plain: plainAnswer(link),
  clicks: link.clicks,
  spooledIn: 0,
  spooledAt: 0,
  linkId: link.linkId,
  tenantId: link.tenantId,
  domainId: link.domainId,
  url: link.url,
  startsAt: link.startsAt,
  expiresAt: link.expiresAt,
  expiredUrl: link.expiredUrl,
  maxClicks: link.maxClicks,
  redirectStatus: link.redirectStatus,
  forwardQuery: link.forwardQuery,
  disabledAt: link.disabledAt,
  takedown: link.takedown,
  sharedMaxAge: link.sharedMaxAge,
});
