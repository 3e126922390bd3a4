const LOOPBACK = /^(127\.\d+\.\d+\.\d+|\[::1\]|([a-z0-9-]+\.)*localhost)$/;

/**
 * Reads the identifier of an OpenID provider (OpenID Connect Discovery, section 4.1): a URL that is compared letter by
 * letter, so it is taken in its canonical form alone. Plain http is for providers on this machine.
 */
export function parseIssuer(text: string): URL | undefined {
  const url = URL.parse(text);
  if (!url || (url.href !== text && url.href !== `${text}/`)) return undefined;
  if (url.username || url.password || text.includes('?') || text.includes('#')) return undefined;
  return url.protocol === 'https:' || isLocalProvider(url) ? url : undefined;
}

/** Whether it is a provider on this machine, reached over plain http. */
export const isLocalProvider = ({ protocol, hostname }: URL): boolean =>
  protocol === 'http:' && LOOPBACK.test(hostname);

export const discoveryUrl = (issuer: string): string => `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
