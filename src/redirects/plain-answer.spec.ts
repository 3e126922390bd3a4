import { describe, expect, it } from '@jest/globals';
import { plainAnswer } from './plain-answer.js';

const link = {
  url: 'https://example.com/',
  startsAt: null,
  expiresAt: null,
  maxClicks: null,
  redirectStatus: 302,
  disabledAt: null,
};

describe('plainAnswer', () => {
  it('prepares the answer of a link that is always answered alike', () => {
    expect(plainAnswer(link)).toMatchObject({
      status: 302,
      headers: { location: 'https://example.com/', 'content-length': '0' },
    });
  });

  it.each([{ startsAt: new Date(0) }, { expiresAt: new Date(0) }, { maxClicks: 1 }, { disabledAt: new Date(0) }])(
    'leaves a link with %j to be decided each time',
    (settings) => expect(plainAnswer({ ...link, ...settings })).toBeNull(),
  );

  it('lets no cache keep a permanent redirect for good', () => {
    expect(plainAnswer({ ...link, redirectStatus: 301 })?.headers['cache-control']).toBe('private, max-age=30');
    expect(plainAnswer(link)?.headers['cache-control']).toBe('private, no-cache');
  });
});
