import { describe, expect, it } from '@jest/globals';
import { canonicalRange, isInRanges, isRangeWithin } from './ip-range.js';

describe('a range of addresses', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7/32'],
    ['192.0.2.7/24', '192.0.2.0/24'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['2001:DB8::1', '2001:db8::1/128'],
    ['2001:db8:0:0:1::/33', '2001:db8::/33'],
    ['::/0', '::/0'],
    ['::ffff:192.0.2.7', '192.0.2.7/32'],
    ['::ffff:c000:207/120', '192.0.2.0/24'],
  ])('is written in one way: %s', (text, range) => expect(canonicalRange(text)).toBe(range));

  it.each([
    '', 'x', '10.1', '10.1/16', '0x7f.0.0.1', '010.0.0.1', '192.0.2.0/33', '192.0.2.0/-1', '192.0.2.0/', '192.0.2.0/24/24',
    '192.0.2.0/2 4', ' 192.0.2.0', '2001:db8::/129', 'fe80::1%eth0', '::ffff:192.0.2.0/95', '192.0.2.0-192.0.2.9',
  ])('is not %j', (text) => expect(canonicalRange(text)).toBeUndefined()); // prettier-ignore

  it.each([
    ['192.0.2.255', ['192.0.2.0/24'], true],
    ['192.0.3.0', ['192.0.2.0/24'], false],
    ['192.0.3.0', ['192.0.2.0/24', '192.0.3.0/32'], true],
    ['2001:db8::ffff', ['2001:db8::/64'], true],
    ['2001:db8:0:1::', ['2001:db8::/64'], false],
    ['192.0.2.1', ['::/0'], false],
    ['2001:db8::1', ['0.0.0.0/0'], false],
    ['', ['0.0.0.0/0', '::/0'], false],
    ['192.0.2.1', [], false],
  ])('has an address or not: %s in %j', (address, ranges, inside) => expect(isInRanges(address, ranges)).toBe(inside));
});

describe('a range', () => {
  it.each([
    ['10.1.0.0/16', ['10.0.0.0/8'], true],
    ['10.0.0.0/8', ['10.0.0.0/8'], true],
    ['10.0.0.0/8', ['10.1.0.0/16'], false],
    ['10.0.0.0/7', ['10.0.0.0/8', '11.0.0.0/8'], false],
    ['192.0.2.1/32', ['10.0.0.0/8', '192.0.2.0/24'], true],
    ['0.0.0.0/0', ['::/0'], false],
    ['2001:db8:1::/48', ['2001:db8::/32'], true],
    ['2001:db9::/48', ['2001:db8::/32'], false],
    ['10.0.0.0/8', [], false],
  ])('%s lies in %j: %s', (range, ranges, lies) => expect(isRangeWithin(range, ranges)).toBe(lies));
});
