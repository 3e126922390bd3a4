/** Why a request to somebody else's server was not made, or gave nothing to work with. */
export type OutgoingFault =
  /** No absolute URL, or a host that is none. */
  | 'invalid_url'
  /** Neither http nor https, or http where https is asked for. */
  | 'scheme_refused'
  /** A user name or password in the URL. */
  | 'credentials_refused'
  | 'port_refused'
  /** The host is, or its name leads to, an address that is not on the public internet. */
  | 'address_refused'
  | 'name_not_found'
  | 'unreachable'
  | 'timed_out'
  | 'too_many_redirects'
  /** It leads from https to http, or would send a body on. */
  | 'redirect_refused'
  | 'too_large'
  /** Compressed in a way that was not asked for, or damaged. */
  | 'bad_encoding'
  /** From `fetchJson` alone: not 2xx. */
  | 'bad_status'
  /** From `fetchJson` alone. */
  | 'bad_json';

/**
 * `message` is for logs: it may name an address inside the network, which nobody outside should be told.
 * What a tenant is told goes by `fault` alone.
 */
export class OutgoingError extends Error {
  constructor(
    readonly fault: OutgoingFault,
    detail: string,
    cause?: unknown,
  ) {
    super(`${fault}: ${detail}`, { cause });
  }
}
