import type { LinkTarget, PlainAnswer } from './redirect-target.js';

/** Nobody's cache may keep an answer for longer than an edit may take to be in force. */
const CACHE_CONTROL = { permanent: 'private, max-age=30', temporary: 'private, no-cache' } as const;

export const redirectHeaders = (status: number, location: string): Record<string, string> => ({
  location,
  'cache-control': status === 301 || status === 308 ? CACHE_CONTROL.permanent : CACHE_CONTROL.temporary,
  'x-robots-tag': 'noindex',
  'content-length': '0',
});

type Settings = Pick<LinkTarget, 'url' | 'startsAt' | 'expiresAt' | 'maxClicks' | 'redirectStatus' | 'disabledAt'>;

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
}: Settings): PlainAnswer | null {
  if (startsAt || expiresAt || maxClicks !== null || disabledAt) return null;
  return { status: redirectStatus, headers: redirectHeaders(redirectStatus, url) };
}
