import { describe, expect, it } from '@jest/globals';
import type { Grouping } from './dimensions.js';
import { type ClickFilter, sourceOf, spanKindOf } from './question.js';

const some = { include: ['x'], exclude: [] };
const none: ClickFilter = { dimensions: {} };

describe('sourceOf', () => {
  it.each<[string, Grouping, ClickFilter, string]>([
    ['totals', 'count', none, 'tenant'],
    ['time series', 'timeseries', none, 'tenant'],
    ['shares of bots', 'bots', none, 'tenant'],
    ['countries', 'countries', none, 'country'],
    ['domains', 'top_domains', none, 'domain_id'],
    ['a domain', 'timeseries', { ...none, domains: some }, 'domain_id'],
    ['a country', 'timeseries', { dimensions: { country: some } }, 'country'],
    ['referrers but for some', 'referrers', { dimensions: { referrer: some } }, 'referrer_host'],
    ['links', 'top_links', none, 'links'],
    ['tags', 'top_tags', none, 'links'],
    ['a link', 'count', { ...none, links: some }, 'links'],
    ['links of a domain', 'top_links', { ...none, domains: some }, 'links'],
    ['links with a tag', 'timeseries', { ...none, tags: some }, 'links'],
    ['countries of a link', 'countries', { ...none, links: some }, 'clicks'],
    ['countries of a domain', 'countries', { ...none, domains: some }, 'clicks'],
    ['cities of a country', 'cities', { dimensions: { country: some } }, 'clicks'],
    ['links in a country', 'top_links', { dimensions: { country: some } }, 'clicks'],
    ['two dimensions', 'count', { dimensions: { country: some, device: some } }, 'clicks'],
    ['domains of a tag', 'top_domains', { ...none, tags: some }, 'clicks'],
  ])('reads %s where it is cheapest', (_name, groupBy, filter, expected) => {
    const source = sourceOf({ groupBy, filter });
    expect(source.kind === 'dimension' ? source.dimension : source.kind).toBe(expected);
  });
});

describe('spanKindOf', () => {
  it.each<[string, Grouping, ClickFilter, string | undefined]>([
    ['links', 'top_links', none, 'links'],
    ['links with a tag', 'timeseries', { ...none, tags: some }, 'links'],
    ['browsers in a country', 'browsers', { dimensions: { country: some } }, 'visits'],
    ['two dimensions', 'count', { dimensions: { country: some, device: some } }, 'visits'],
    ['two dimensions by day', 'timeseries', { dimensions: { os: some, trigger: some } }, 'visits'],
    ['cities of a country', 'cities', { dimensions: { country: some } }, undefined],
    ['devices from a referrer', 'devices', { dimensions: { referrer: some } }, undefined],
    ['countries of a link', 'countries', { ...none, links: some }, undefined],
    ['countries of a domain', 'countries', { ...none, domains: some }, undefined],
    ['domains in a country', 'top_domains', { dimensions: { country: some } }, undefined],
    ['totals, which are kept', 'count', none, undefined],
    ['countries, which are kept', 'countries', none, undefined],
  ])('finds %s there, or not', (_name, groupBy, filter, expected) =>
    expect(spanKindOf({ groupBy, filter })).toBe(expected),
  );
});
