import { describe, expect, it } from '@jest/globals';
import { readTarget } from './request-target.js';

const read = (url: string, host: string | undefined, more: { method?: string; httpVersion?: string } = {}) =>
  readTarget({ method: 'GET', httpVersion: '1.1', url, headers: { ...(host !== undefined && { host }) }, ...more });

describe('readTarget', () => {
  it.each([
    ['/key?q=1', 'a.example', { host: 'a.example', url: '/key?q=1' }],
    ['/key', 'a.example:8080', { host: 'a.example:8080', url: '/key' }],
    ['/key', 'a.example:', { host: 'a.example', url: '/key' }],
    ['/key', '', { host: '', url: '/key' }],
    ['/key', '[2001:db8::1]:8080', { host: '[2001:db8::1]:8080', url: '/key' }],
    ['//b.example/key', 'a.example', { host: 'a.example', url: '//b.example/key' }],
  ])('takes the host of %s from the Host header %j', (url, host, target) => expect(read(url, host)).toEqual(target));

  it.each([
    ['http://b.example/key?q=1', { host: 'b.example', url: '/key?q=1' }],
    ['HTTPS://b.example:443/key', { host: 'b.example:443', url: '/key' }],
    ['http://b.example', { host: 'b.example', url: '/' }],
    ['http://b.example?q=1', { host: 'b.example', url: '/?q=1' }],
    ['http://b.example//key', { host: 'b.example', url: '//key' }],
  ])('lets the host of %s win over the Host header', (url, target) => expect(read(url, 'a.example')).toEqual(target));

  it.each([
    'a b',
    'a\tb',
    'a, a',
    'user@a',
    'a/b',
    'http://a',
    '[::1',
    'a:b',
    'a:1:2',
    'a%zz',
    'a?b',
    'a#b',
    'a\\b',
    'é',
  ])('refuses the Host header %j, in front of an absolute target too', (host) => {
    expect(read('/key', host)).toBeUndefined();
    expect(read('http://b.example/key', host)).toBeUndefined();
  });

  it.each([
    'key',
    '',
    '*',
    '/key#part',
    'ftp://b.example/key',
    'http:///key',
    'http://user@b.example/key',
    'http://:80/key',
    'http://b.example#part',
    'http://b.example/key#part',
    'b.example:443',
  ])('refuses the target %j', (url) => expect(read(url, 'a.example')).toBeUndefined());

  it('takes an asterisk for OPTIONS alone', () => {
    expect(read('*', 'a.example', { method: 'OPTIONS' })).toEqual({ host: 'a.example', url: '*' });
  });

  it('demands a Host header from HTTP/1.1 on', () => {
    expect(read('/key', undefined)).toBeUndefined();
    expect(read('http://b.example/key', undefined)).toBeUndefined();
    expect(read('/key', undefined, { httpVersion: '2.0' })).toBeUndefined();
    expect(read('/key', undefined, { httpVersion: '1.0' })).toEqual({ host: '', url: '/key' });
    expect(read('http://b.example/key', undefined, { httpVersion: '1.0' })?.host).toBe('b.example');
  });

  it.each(['gzip', 'gzip, chunked', 'identity', ''])('refuses a body in the coding %j', (coding) => {
    const headers = { host: 'a.example', 'transfer-encoding': coding };
    expect(readTarget({ method: 'GET', httpVersion: '1.1', url: '/key', headers })).toBeUndefined();
  });

  it('takes chunks, though not in HTTP/1.0', () => {
    const head = { method: 'GET', url: '/key', headers: { host: 'a.example', 'transfer-encoding': 'Chunked' } };
    expect(readTarget({ ...head, httpVersion: '1.1' })).toEqual({ host: 'a.example', url: '/key' });
    expect(readTarget({ ...head, httpVersion: '1.0' })).toBeUndefined();
  });
});
