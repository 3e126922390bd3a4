import { OutgoingError } from './outgoing.error.js';

/**
 * Reads the address of a request, as browsers do (WHATWG URL): an IPv4 address in decimal, octal, hexadecimal or short
 * form comes out as what it is, and a zone id is no host. Where it leads is checked when a connection is made.
 */
export function outgoingUrl(input: string | URL, httpsOnly: boolean): URL {
  const url = URL.parse(String(input));
  if (!url) throw new OutgoingError('invalid_url', 'It is no absolute URL');
  if (url.protocol !== 'https:' && (httpsOnly || url.protocol !== 'http:')) {
    throw new OutgoingError('scheme_refused', `${url.protocol} is not ${httpsOnly ? 'https' : 'http or https'}`);
  }
  if (url.username || url.password) throw new OutgoingError('credentials_refused', 'It has a user name or password');
  url.hash = '';
  return url;
}

/** Where a redirect leads. */
export function redirectedUrl(from: URL, location: string, httpsOnly: boolean): URL {
  const next = URL.parse(location, from);
  if (!next) throw new OutgoingError('invalid_url', `${from.host} redirects to what is no URL`);
  const url = outgoingUrl(next, httpsOnly);
  if (from.protocol === 'https:' && url.protocol === 'http:') {
    throw new OutgoingError('redirect_refused', `${from.host} redirects from https to http`);
  }
  return url;
}
