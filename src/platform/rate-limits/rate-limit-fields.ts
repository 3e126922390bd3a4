/** What a client is told of a limit: how much there is in a window, and how much is left of it. */
export interface Allowance {
  name: string;
  limit: number;
  /** In seconds. */
  window: number;
  remaining: number;
  /** Seconds until all of it is there again. */
  reset: number;
}

/** Fields of draft-ietf-httpapi-ratelimit-headers-11: lists of strings with parameters (RFC 9651). */
export const policyField = ({ name, limit, window }: Allowance): string => `"${name}";q=${limit};w=${window}`;

export const allowanceField = ({ name, remaining, reset }: Allowance): string =>
  `"${name}";r=${Math.max(0, remaining)};t=${reset}`;
