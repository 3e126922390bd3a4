/** What the redirect path knows of a hostname. */
export interface DomainTarget {
  tenantId: string;
  domainId: string;
  caseSensitive: boolean;
  rootUrl: string | null;
  notFoundUrl: string | null;
  expiredUrl: string | null;
}

/** An answer that needs no decision: status and headers, ready to be written. */
export interface PlainAnswer {
  status: number;
  headers: Record<string, string>;
}

/** What the database knows of a short link. */
export interface StoredLink {
  tenantId: string;
  domainId: string;
  linkId: string;
  url: string;
  startsAt: Date | null;
  expiresAt: Date | null;
  expiredUrl: string | null;
  maxClicks: number | null;
  /** As stored, and what this process has answered since: see RedirectsService. */
  clicks: number;
  redirectStatus: number;
  forwardQuery: boolean;
  disabledAt: Date | null;
  /** By the platform's operators: visitors find nothing, or a warning. */
  takedown: 'hidden' | 'warning' | null;
  /** Seconds for which shared caches may keep the answer; null: not at all. */
  sharedMaxAge: number | null;
}

/** What the redirect path knows of a short link. */
export interface LinkTarget extends StoredLink {
  /** Set for a link that is answered the same each time: see plain-answer.ts. */
  plain: PlainAnswer | null;
  /** See FollowedLink. */
  spooledIn: number;
  spooledAt: number;
}
