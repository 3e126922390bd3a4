import { describe, expect, it } from '@jest/globals';
import { parseUnambiguous } from './unambiguous-json.js';

describe('parseUnambiguous', () => {
  it.each([
    '{"a":1,"b":{"a":2},"c":[{"a":3},{"a":4}]}',
    '{"a":"b\\":{\\"a","b":"{:}"}',
    '[]',
    '"a:b"',
    '{"a":{},"b":{},"A":1}',
  ])('reads %s as it stands', (text) => expect(parseUnambiguous(text)).toEqual(JSON.parse(text)));

  it.each([
    '{"a":1,"a":1}',
    '{"sub":"me","s\\u0075b":"you"}',
    '{"x":{"a":1,"b":[{"c":{}}],"a":2}}',
    '{"a" : 1, "b":"\\\\", "a" :2}',
    '[{"a":1},{"a":1,"a":2}]',
  ])('refuses %s, which has a name twice', (text) => expect(() => parseUnambiguous(text)).toThrow(/comes twice/));

  it.each(['{"a":1', '', '{a:1}', '{"a":1}{"a":1}', '{"__proto__":{}}'])('refuses %s', (text) =>
    expect(() => parseUnambiguous(text)).toThrow(SyntaxError),
  );
});
