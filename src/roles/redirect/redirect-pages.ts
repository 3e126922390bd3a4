/** An answer that is no redirect. */
export interface Page {
  status: number;
  type: string;
  body: string;
}

const page = (status: number, title: string, text: string): Page => ({
  status,
  type: 'text/html; charset=utf-8',
  body: `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><body style="font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem"><h1>${title}</h1><p>${text}</p></body></html>\n`,
});

/** Pages have a style and nothing else: whatever else should ever stand in one, a browser leaves it alone. */
export const pageHeaders = ({ type }: Page): Record<string, string> => ({
  'content-type': type,
  'cache-control': 'private, no-cache',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
});

/** Unknown host, unknown key, disabled and not yet started links: all the same, byte for byte. */
export const UNKNOWN = page(404, 'Not found', 'There is no link at this address.');
export const GONE = page(410, 'No longer available', 'This link has expired.');
export const TAKEN_DOWN = page(
  410,
  'This link was taken down',
  'Where it led was found to be harmful or against the rules, so the operators of this service have switched it off. If you followed it from a message, do not trust that message.',
);
export const MALFORMED = page(400, 'Bad request', 'This address is not well-formed.');
export const METHOD = page(405, 'Method not allowed', 'Short links are there to be followed.');
export const LIMITED = page(
  429,
  'Too many requests',
  'Too many addresses without a link were asked for from your network. Please try again in a moment.',
);
export const TOO_LARGE = page(431, 'Address too long', 'This address, or what was sent with it, is too long.');
export const TOO_SLOW = page(408, 'Too slow', 'The request did not arrive in time.');
export const UNAVAILABLE = page(
  503,
  'Try again',
  'This link can not be looked up right now. Please try again in a moment.',
);

// Crawlers may follow short links: previews in chats and social networks depend on it.
export const ROBOTS: Page = { status: 200, type: 'text/plain; charset=utf-8', body: 'User-agent: *\nAllow: /\n' };
