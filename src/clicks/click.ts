/** One answered redirect. Its id and time are fixed when it happens, so that it can be delivered twice and count once. */
export interface Click {
  /** UUIDv7. */
  id: string;
  tenantId: string;
  domainId: string;
  linkId: string;
  /** Milliseconds since 1970, UTC. */
  occurredAt: number;
  referrer?: string | undefined;
  userAgent?: string | undefined;
}

const MAX_TEXT = 1_000;

/** Headers are the visitor's to choose: what PostgreSQL can not store, and what is too long, is cut. */
export const storableText = (text: string | undefined): string | undefined =>
  text?.replaceAll('\0', '').toWellFormed().slice(0, MAX_TEXT).toWellFormed();
