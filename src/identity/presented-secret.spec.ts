import { describe, expect, it } from '@jest/globals';
import { presentedSecret } from './presented-secret.js';

const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

describe('what a caller shows', () => {
  it.each([
    ['Bearer abc', { token: 'abc' }],
    ['bEARER  abc', { token: 'abc' }],
    [basic('tls:secret'), { password: 'secret' }],
    [basic(':secret'), { password: 'secret' }],
    [basic('tls:with:colons'), { password: 'with:colons' }],
    [basic('nobody').toLowerCase(), {}],
    [basic('tls:'), {}],
    ['Basic', {}],
    ['Basic ????', {}],
    ['Bearer', {}],
    ['Bearer abc x', {}],
    ['Token abc', {}],
    ['', {}],
    [undefined, {}],
  ])('of %j is %j', (authorization, shown) => expect(presentedSecret(authorization)).toEqual(shown));
});
