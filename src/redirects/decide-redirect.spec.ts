import { describe, expect, it } from '@jest/globals';
import { type Decision, decideRedirect, decideRoot, isUnknown, withQuery } from './decide-redirect.js';
import type { DomainTarget, StoredLink } from './redirect-target.js';

const now = new Date('2026-11-23T12:00:00Z');
const before = new Date('2026-11-23T11:59:59Z');
const after = new Date('2026-11-23T12:00:01Z');

const domain: DomainTarget = {
  tenantId: 't',
  domainId: 'd',
  caseSensitive: true,
  rootUrl: null,
  notFoundUrl: null,
  expiredUrl: null,
};
const link: StoredLink = {
  tenantId: 't',
  domainId: 'd',
  linkId: 'l',
  url: 'https://example.com/a',
  startsAt: null,
  expiresAt: null,
  expiredUrl: null,
  maxClicks: null,
  clicks: 0,
  redirectStatus: 302,
  forwardQuery: false,
  disabledAt: null,
  takedown: null,
  sharedMaxAge: null,
};

const found: Decision = { kind: 'found', location: 'https://example.com/a', status: 302, sharedMaxAge: null };
const kept = (sharedMaxAge: number): Decision => ({ ...found, sharedMaxAge });
const in90s = new Date(now.getTime() + 90_999);
const insteadOf = (instead: 'unknown' | 'gone' | 'root', location: string): Decision => ({
  kind: 'fallback',
  instead,
  location,
  status: 302,
});

describe('decideRedirect', () => {
  const cases: Array<[string, Partial<StoredLink> | null, Partial<DomainTarget>, Decision]> = [
    ['finds a plain link', {}, {}, found],
    ['keeps the status of the link', { redirectStatus: 308 }, {}, { ...found, status: 308 } as Decision],
    ['does not know a key nobody made', null, {}, { kind: 'unknown' }],
    [
      'leads unknown keys to the page of the domain',
      null,
      { notFoundUrl: 'https://n/' },
      insteadOf('unknown', 'https://n/'),
    ],
    ['answers a disabled link like an unknown one', { disabledAt: before }, {}, { kind: 'unknown' }],
    ['answers a link that was taken down like an unknown one', { takedown: 'hidden' }, {}, { kind: 'unknown' }],
    ['warns of one if its operators want that', { takedown: 'warning' }, {}, { kind: 'warned' }],
    [
      'warns of one though it is disabled, expired, and has pages for that',
      { takedown: 'warning', disabledAt: before, expiresAt: before, expiredUrl: 'https://e/' },
      { notFoundUrl: 'https://n/' },
      { kind: 'warned' },
    ],
    [
      'answers a disabled link like an unknown one, with a page',
      { disabledAt: before },
      { notFoundUrl: 'https://n/' },
      insteadOf('unknown', 'https://n/'),
    ],
    ['answers a link before its start like an unknown one', { startsAt: after }, {}, { kind: 'unknown' }],
    ['finds a link from its start on', { startsAt: now }, {}, found],
    ['finds a link until it expires', { expiresAt: after }, {}, found],
    ['is gone from the moment of expiry on', { expiresAt: now }, {}, { kind: 'gone' }],
    [
      'leads an expired link to its own page',
      { expiresAt: before, expiredUrl: 'https://e/' },
      { expiredUrl: 'https://de/' },
      insteadOf('gone', 'https://e/'),
    ],
    [
      'leads an expired link to the page of the domain',
      { expiresAt: before },
      { expiredUrl: 'https://de/' },
      insteadOf('gone', 'https://de/'),
    ],
    ['finds a link that has clicks left', { maxClicks: 3, clicks: 2 }, {}, found],
    ['is gone when its clicks are used up', { maxClicks: 3, clicks: 3 }, {}, { kind: 'gone' }],
    [
      'hides a disabled link even when it has expired',
      { disabledAt: before, expiresAt: before },
      {},
      { kind: 'unknown' },
    ],
    ['lets shared caches keep what may be kept', { sharedMaxAge: 60 }, {}, kept(60)],
    ['lets them keep it until it expires', { sharedMaxAge: 60, expiresAt: in90s }, {}, kept(60)],
    ['lets them keep it no longer than that', { sharedMaxAge: 3_600, expiresAt: in90s }, {}, kept(90)],
    ['lets them keep nothing in the last second', { sharedMaxAge: 60, expiresAt: new Date(+now + 999) }, {}, found],
    ['lets them keep nothing whose clicks are limited', { sharedMaxAge: 60, maxClicks: 3 }, {}, found],
  ];
  it.each(cases)('%s', (_name, target, settings, expected) => {
    const decision = decideRedirect(
      { ...domain, ...settings },
      target && { ...link, ...target },
      { query: 'x=1' },
      now,
    );
    expect(decision).toEqual(expected);
  });

  it('passes the query on when the link says so', () => {
    const decision = decideRedirect(domain, { ...link, forwardQuery: true }, { query: 'x=1' }, now);
    expect(decision).toEqual({ ...found, location: 'https://example.com/a?x=1' });
  });
});

describe('decideRoot', () => {
  it('leads to the root page of the domain, if it has one', () => {
    expect(decideRoot({ ...domain, rootUrl: 'https://r/' })).toEqual(insteadOf('root', 'https://r/'));
    expect(decideRoot(domain)).toEqual({ kind: 'unknown' });
  });
});

describe('isUnknown', () => {
  it.each<[Decision, boolean]>([
    [{ kind: 'unknown' }, true],
    [insteadOf('unknown', 'https://n/'), true],
    [insteadOf('gone', 'https://e/'), false],
    [insteadOf('root', 'https://r/'), false],
    [{ kind: 'gone' }, false],
    [found, false],
  ])('takes %j for the answer to a name nobody made: %j', (decision, unknown) =>
    expect(isUnknown(decision)).toBe(unknown),
  );
});

describe('withQuery', () => {
  it.each([
    ['https://a/', '', 'https://a/'],
    ['https://a/', 'x=1&y=2', 'https://a/?x=1&y=2'],
    ['https://a/?utm_source=mail', 'x=1', 'https://a/?utm_source=mail&x=1'],
    ['https://a/?x=0&z=9', 'x=1&x=2', 'https://a/?z=9&x=1&x=2'],
    ['https://a/?x=1#part', 'y=ä', 'https://a/?x=1&y=%C3%A4#part'],
    ['https://a/', '%zz=%', 'https://a/?%25zz=%25'],
  ])('joins %s and %s', (destination, query, joined) => {
    expect(withQuery(destination, query)).toBe(joined);
  });
});
