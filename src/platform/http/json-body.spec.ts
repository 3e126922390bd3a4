import { describe, expect, it } from '@jest/globals';
import { parseJsonBody } from './json-body.js';

const read = (text: string): unknown => parseJsonBody(Buffer.from(text));

describe('parseJsonBody', () => {
  it('reads JSON', () => expect(read('{"a":[1,"ä",null]}')).toEqual({ a: [1, 'ä', null] }));
  it('reads 32 levels', () => expect(() => read('['.repeat(32) + ']'.repeat(32))).not.toThrow());

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['half of it', Buffer.from('{"a":')],
    ['Latin-1', Buffer.from('{"a":"ä"}', 'latin1')],
    ['a prototype', Buffer.from('{"__proto__":{"admin":true}}')],
    ['a hidden prototype', Buffer.from('{"\\u005f_proto__":{"admin":true}}')],
    ['a constructor', Buffer.from('{"constructor":{"prototype":{"admin":true}}}')],
    ['33 levels', Buffer.from('['.repeat(33) + ']'.repeat(33))],
    ['100,000 levels', Buffer.from('['.repeat(100_000) + ']'.repeat(100_000))],
  ])('refuses %s', (_name, bytes) => expect(() => parseJsonBody(bytes)).toThrow(/malformed_body/));
});
