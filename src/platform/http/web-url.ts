import { domainToUnicode } from 'node:url';
import { z } from 'zod';

const MAX_BYTES = 8 * 1024;

type Refusal = { code: string; message: string };

/**
 * Reads an absolute web address as browsers do (WHATWG URL) and gives its canonical form, host in ASCII.
 *
 * @returns the canonical URL, or why it is refused
 */
export function parseWebUrl(input: string): string | Refusal {
  if (Buffer.byteLength(input) > MAX_BYTES) return { code: 'url_too_long', message: `Use at most ${MAX_BYTES} bytes.` };
  const url = URL.parse(input.trim());
  if (!url) return { code: 'invalid_url', message: 'Use an absolute URL such as https://example.com/page.' };
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return { code: 'unsupported_scheme', message: 'Use an http or https URL.' };
  }
  if (url.username || url.password) {
    return {
      code: 'credentials_in_url',
      message: 'A URL with a user name or password would show them to every visitor.',
    };
  }
  if (Buffer.byteLength(url.href) > MAX_BYTES)
    return { code: 'url_too_long', message: `Use at most ${MAX_BYTES} bytes.` };
  return url.href;
}

/** Schema of a field that takes a web address. */
export const webUrl = z
  .string()
  .transform((input, issues) => {
    const url = parseWebUrl(input);
    if (typeof url === 'string') return url;
    issues.addIssue({ code: 'custom', message: url.message, params: { code: url.code } });
    return z.NEVER;
  })
  .meta({
    type: 'string',
    format: 'uri',
    description: 'Absolute http or https URL, at most 8 kB, without credentials',
  });

/** The form for people: an internationalized host in its own letters. */
export function displayUrl(url: string): string {
  const { host, hostname } = new URL(url);
  return hostname.includes('xn--') ? url.replace(host, () => host.replace(hostname, domainToUnicode(hostname))) : url;
}
