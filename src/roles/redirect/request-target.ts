import type { IncomingMessage } from 'node:http';

type Head = Pick<IncomingMessage, 'method' | 'url' | 'httpVersion' | 'headers'>;

/** Where a request leads. */
interface RequestTarget {
  host: string;
  /** Path and query; `*` for a request that is about the server itself. */
  url: string;
}

/** RFC 3986: a name or an address in brackets, and a port. No user, no path, no space. */
const AUTHORITY = /^(?:\[[\da-f:.]+\]|(?:[\w.~!$&'()*+,;=-]|%[\da-f]{2})*)(?::\d*)?$/i;
const ABSOLUTE_FORM = /^https?:\/\/([^/?#]+)([^#]*)$/i;

/**
 * The request target and the Host header, read by RFC 9112, section 3.
 *
 * @returns undefined for what must be refused, lest somebody in front of us reads it otherwise
 */
export function readTarget(head: Head): RequestTarget | undefined {
  const host = readHost(head);
  if (host === undefined || !isChunkedAtMost(head)) return undefined;
  const { method, url = '' } = head;
  if (url === '*') return method === 'OPTIONS' ? { host, url } : undefined;
  if (url.startsWith('/')) return url.includes('#') ? undefined : { host, url };
  return readAbsoluteForm(url);
}

/** Several Host headers stand here joined by comma and space, and so are none. Before HTTP/1.1 there need not be one. */
function readHost({ headers, httpVersion }: Head): string | undefined {
  const host = headers.host ?? (httpVersion === '1.0' || httpVersion === '0.9' ? '' : undefined);
  return host !== undefined && AUTHORITY.test(host) ? withoutEmptyPort(host) : undefined;
}

function readAbsoluteForm(url: string): RequestTarget | undefined {
  const [, authority, rest = ''] = ABSOLUTE_FORM.exec(url) ?? [];
  if (authority === undefined || !AUTHORITY.test(authority) || authority.startsWith(':')) return undefined;
  return { host: withoutEmptyPort(authority), url: rest.startsWith('/') ? rest : `/${rest}` };
}

/** Any other coding leaves open where the request ends, and HTTP/1.0 knows none. */
const isChunkedAtMost = ({ headers: { 'transfer-encoding': coding }, httpVersion }: Head): boolean =>
  coding === undefined || (coding.toLowerCase() === 'chunked' && httpVersion !== '1.0');

const withoutEmptyPort = (host: string): string => host.replace(/:$/, '');
