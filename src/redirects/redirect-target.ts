/** What the redirect path knows of a hostname. */
export interface DomainTarget {
  tenantId: string;
  domainId: string;
  caseSensitive: boolean;
  rootUrl: string | null;
  notFoundUrl: string | null;
  expiredUrl: string | null;
}

/** What the redirect path knows of a short link. */
export interface LinkTarget {
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
}
