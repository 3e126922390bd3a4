import { LRUCache } from 'lru-cache';

const LANGUAGE = /^([a-z]{2,8})(?:-|$)/;
const MAX_HOST = 253;

// As many visitors share few user agents, they share few of these headers.
const known = new LRUCache<string, { language: string | undefined }>({
  maxSize: 500_000,
  sizeCalculation: (_, header) => header.length + 50,
});

/** The primary language that an Accept-Language header likes best, in lower case: `de` of `en;q=0.5, de-AT`. */
export function languageOf(header: string | undefined): string | undefined {
  if (!header) return undefined;
  const read = known.get(header) ?? { language: likedIn(header) };
  known.set(header, read);
  return read.language;
}

function likedIn(header: string): string | undefined {
  const liked = header
    .toLowerCase()
    .split(',')
    .map((item) => {
      const [tag = '', ...parameters] = item.split(';').map((part) => part.trim());
      const quality = parameters.find((parameter) => parameter.startsWith('q='));
      return { language: LANGUAGE.exec(tag)?.[1], quality: quality ? Number(quality.slice(2)) : 1 };
    })
    .filter(({ language, quality }) => language !== undefined && quality > 0);
  return liked.toSorted((a, b) => b.quality - a.quality)[0]?.language;
}

/** The host of a Referer, without port: the pages of a site are one. */
export function referrerHostOf(referrer: string | undefined): string | undefined {
  const hostname = referrer ? URL.parse(referrer)?.hostname : undefined;
  return hostname && hostname.length <= MAX_HOST ? hostname : undefined;
}
