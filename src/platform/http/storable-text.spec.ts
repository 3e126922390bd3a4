import { describe, expect, it } from '@jest/globals';
import { unstorableText } from './storable-text.js';

describe('text that can not be stored', () => {
  it.each([['a'], [''], ['🎉'], ['\u0001\ufffd'], [null], [undefined], [1], [{ a: ['b', { c: 'd' }] }]])(
    'is not in %j',
    (value) => {
      expect(unstorableText(value)).toEqual([]);
    },
  );

  it.each<[unknown, PropertyKey[][]]>([
    ['a\0', [[]]],
    ['\ud83c', [[]]],
    ['\udf89\ud83c', [[]]],
    [{ 'a\0': 'x' }, [[]]],
    [{ a: { '\ud83c': '\0', b: '\0' } }, [['a'], ['a', 'b']]],
    [
      { a: 'x', b: ['y', '\0', { c: '\udc00' }] },
      [
        ['b', '1'],
        ['b', '2', 'c'],
      ],
    ],
  ])('is found in %j', (value, paths) => {
    expect(unstorableText(value).map(({ path }) => path)).toEqual(paths);
  });
});
