import { describe, expect, it } from '@jest/globals';
import { csvRecord } from './csv.js';

describe('csvRecord', () => {
  it('ends a record with CRLF and leaves what is null empty', () =>
    expect(csvRecord(['a', null, 1, false])).toBe('a,,1,false\r\n'));
  it('quotes commas, quotes and line ends', () =>
    expect(csvRecord(['a,b', 'a"b', 'a\nb'])).toBe('"a,b","a""b","a\nb"\r\n'));
  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\tx', '\rx'])('lets no text be a formula: %j', (text) =>
    expect(csvRecord([text])).toMatch(/^"?'/),
  );
});
