/** What a request tells of its visitor, as far as clicks take note of it. Headers are as they were sent. */
export interface Visitor {
  /** IP address, empty when it is not known. It is read for geography and visitor counts, and never stored. */
  address: string;
  userAgent: string | undefined;
  referrer: string | undefined;
  /** Accept-Language. */
  language: string | undefined;
  /** Where the visitor is, as a trusted edge in front says: ISO 3166-1 alpha-2. */
  country: string | undefined;
  /** Sec-GPC or DNT: nothing but time and country may be kept. */
  optedOut: boolean;
}

/** The link that was followed. */
export interface FollowedLink {
  tenantId: string;
  domainId: string;
  linkId: string;
  /** Which segment of this process last had a click of it, and the link's place there: the spool's own notes. */
  spooledIn?: number;
  spooledAt?: number;
}

/** One answered redirect. Its id and time are fixed when it happens, so that it can be delivered twice and count once. */
export interface Click extends Omit<FollowedLink, 'spooledIn' | 'spooledAt'>, Visitor {
  /** UUIDv7. */
  id: string;
  /** Milliseconds since 1970, UTC. */
  occurredAt: number;
  /** Raw query string of the visited URL, without `?`; empty when there is none. */
  query: string;
  /** W3C traceparent of what caused it, if that is traced. */
  trace?: string | undefined;
}

/** A click and the segment it was read from. */
export type SpooledClick = Click & { segment: string };

const MAX_TEXT = 1_000;

/** Headers are the visitor's to choose: what PostgreSQL can not store, and what is too long, is cut. */
export const storableText = (text: string): string =>
  text.replaceAll('\0', '').toWellFormed().slice(0, MAX_TEXT).toWellFormed();
