import { describe, expect, it } from '@jest/globals';
import { namesTag } from './entity-tag.js';

describe('namesTag', () => {
  it.each([
    ['W/"1"', true],
    ['"1"', true],
    ['*', true],
    ['"0", W/"1"', true],
    ['W/"11"', false],
    ['"0"', false],
    ['1', false],
    ['', false],
  ])('%j: %s', (header, named) => expect(namesTag(header, 'W/"1"')).toBe(named));
});
