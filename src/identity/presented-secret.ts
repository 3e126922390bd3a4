/** What a caller shows to be let in. */
interface Presented {
  /** `Bearer <token>`: how everybody does it. */
  token?: string;
  /**
   * Of `Basic <user:password>`, whoever the user is: an HTTP client that is given no more than an address makes this of
   * `http://user:password@host/`. A proxy that asks about certificates is one.
   */
  password?: string;
}

/** @param authorization the header `Authorization` */
export function presentedSecret(authorization = ''): Presented {
  const [, scheme = '', credentials = ''] = /^(Bearer|Basic) +(\S+)$/i.exec(authorization) ?? [];
  if (scheme === '') return {};
  if (scheme.toLowerCase() === 'bearer') return { token: credentials };
  const [, password] = /^[^:]*:(.+)$/s.exec(Buffer.from(credentials, 'base64').toString('utf8')) ?? [];
  return password === undefined ? {} : { password };
}
