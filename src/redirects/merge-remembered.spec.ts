import { describe, expect, it } from '@jest/globals';
import { mergeRemembered } from './merge-remembered.js';
import type { Remembered } from './redirect-cache.js';

const set = (links: Array<[name: string, url: string, confirmedAt: number]>, version = 1): Remembered => ({
  version,
  domains: [],
  links: links.map(([name, url, confirmedAt]) => [name, { url } as never, confirmedAt]),
});

describe('mergeRemembered', () => {
  it('gives back what one process remembered', () => {
    const one = set([
      ['a', '1', 5],
      ['b', '2', 9],
    ]);
    expect(mergeRemembered([one])).toEqual(one);
  });

  it('knows nothing when nobody remembered anything', () =>
    expect(mergeRemembered([])).toEqual({ version: 0, domains: [], links: [] }));

  it('puts first what each of them used last', () => {
    const merged = mergeRemembered([
      set([
        ['a', '1', 1],
        ['b', '1', 1],
        ['c', '1', 1],
      ]),
      set([
        ['x', '1', 1],
        ['b', '1', 1],
      ]),
    ]);
    expect(merged.links.map(([name]) => name)).toEqual(['a', 'x', 'b', 'c']);
  });

  it.each([
    [7, 3],
    [3, 7],
  ])('believes the later of two answers, confirmed at %i and %i', (first, second) => {
    const merged = mergeRemembered([set([['a', 'first', first]]), set([['a', 'second', second]])]);
    expect(merged.links).toEqual([['a', { url: first > second ? 'first' : 'second' }, 7]]);
  });

  it('passes over what another version wrote before', () => {
    const merged = mergeRemembered([set([['old', '1', 9]], 1), set([['new', '1', 1]], 2)]);
    expect(merged).toEqual(set([['new', '1', 1]], 2));
  });
});
