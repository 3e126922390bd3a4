import { describe, expect, it } from '@jest/globals';
import { parseFilter } from './value-filter.js';

describe('parseFilter', () => {
  it.each<[string, string | string[], string[], string[]]>([
    ['one value', 'DE', ['DE'], []],
    ['several', 'DE,AT', ['DE', 'AT'], []],
    ['the parameter several times', ['DE', 'AT,CH'], ['DE', 'AT', 'CH'], []],
    ['what is excluded', '-DE,-AT', [], ['DE', 'AT']],
    ['both', 'DE,-AT', ['DE'], ['AT']],
    ['a comma within a value', 'Washington\\, D.C.,Berlin', ['Washington, D.C.', 'Berlin'], []],
    ['a value that begins with a minus', '\\-1,-\\-2', ['-1'], ['-2']],
    ['a backslash', 'a\\\\b', ['a\\b'], []],
    ['a backslash at the end', 'a\\', ['a\\'], []],
    ['what is not known', '', [''], []],
    ['what is known', '-', [], ['']],
    ['what is not known beside a value', ',DE', ['', 'DE'], []],
  ])('reads %s', (_name, given, include, exclude) => expect(parseFilter(given)).toEqual({ include, exclude }));
});
