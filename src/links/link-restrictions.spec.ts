import { describe, expect, it } from '@jest/globals';
import { isWithin } from './link-restrictions.js';

describe('isWithin', () => {
  const link = { domainId: 'a', tags: ['press', 'spring'] };

  it.each([
    ['no restrictions', undefined, true],
    ['its domain', { domainIds: ['b', 'a'] }, true],
    ['another domain', { domainIds: ['b'] }, false],
    ['one of its tags', { tags: ['spring', 'summer'] }, true],
    ['other tags', { tags: ['summer'] }, false],
    ['its domain and one of its tags', { domainIds: ['a'], tags: ['press'] }, true],
    ['its domain and other tags', { domainIds: ['a'], tags: ['summer'] }, false],
    ['another domain and one of its tags', { domainIds: ['b'], tags: ['press'] }, false],
    ['no domain at all', { domainIds: [] }, false],
    ['no tag at all', { tags: [] }, false],
  ])('of %s', (_name, restrictions, within) => expect(isWithin(link, restrictions)).toBe(within));

  it('of a tag, for a link without any', () =>
    expect(isWithin({ domainId: 'a', tags: [] }, { tags: ['press'] })).toBe(false));
});
