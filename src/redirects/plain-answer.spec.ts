import { describe, expect, it } from '@jest/globals';
import { plainAnswer } from './plain-answer.js';

const link = {
  url: 'https://example.com/',
  startsAt: null,
  expiresAt: null,
  maxClicks: null,
  redirectStatus: 302,
  disabledAt: null,
  takedown: null,
  sharedMaxAge: null,
};
const cacheControl = (settings: { redirectStatus?: number; sharedMaxAge?: number }): string | undefined =>
  plainAnswer({ ...link, ...settings })?.headers['cache-control'];

describe('plainAnswer', () => {
  it('prepares the answer of a link that is always answered alike', () => {
    expect(plainAnswer(link)).toMatchObject({
      status: 302,
      headers: { location: 'https://example.com/', 'content-length': '0' },
    });
  });

  it.each([
    { startsAt: new Date(0) },
    { expiresAt: new Date(0) },
    { maxClicks: 1 },
    { disabledAt: new Date(0) },
    { takedown: 'hidden' as const },
  ])('leaves a link with %j to be decided each time', (settings) =>
    expect(plainAnswer({ ...link, ...settings })).toBeNull(),
  );

  it('lets no cache keep a permanent redirect for good', () => {
    expect(cacheControl({ redirectStatus: 301 })).toBe('private, max-age=30');
    expect(cacheControl({})).toBe('private, no-cache');
  });

  it('lets shared caches keep what the link says they may, and browsers no more than ever', () => {
    const shared = { sharedMaxAge: 600 };
    expect(cacheControl(shared)).toBe('public, max-age=0, s-maxage=600');
    for (const redirectStatus of [301, 308]) {
      expect(cacheControl({ ...shared, redirectStatus })).toBe('public, max-age=30, s-maxage=600');
    }
    expect(cacheControl({ ...shared, redirectStatus: 307 })).toBe('public, max-age=0, s-maxage=600');
  });
});
