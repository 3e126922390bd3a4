import { describe, expect, it } from '@jest/globals';
import { get, send, serveTwoHosts, shown } from '../support/raw-visits.js';
import { unique } from '../support/waypost.js';

serveTwoHosts();

describe('which host a request is for', () => {
  it.each<[string, string, string | number]>([
    ['the Host header', get('/same'), 'a'],
    ['an absolute target, against the Host header', get('http://{b}/same'), 'b'],
    ['an absolute target with a query', get('http://{b}/same?x=1'), 'b'],
    ['an absolute target with an unknown host', get(`http://${unique()}.example/same`), 404],
    ['an absolute target without a path', get('http://{b}'), 404],
    ['an absolute target for a fixed path', get('http://{b}/robots.txt'), 200],
    ['an absolute target in HTTP/1.0 without Host', get('http://{b}/same', '', '1.0'), 'b'],
    ['an absolute target without Host', get('http://{b}/same', ''), 400],
    ['an absolute target with two Hosts', get('http://{b}/same', 'Host: {a}\r\nHost: {b}\r\n'), 400],
    ['an absolute target with a user', get('http://u:p@{b}/same'), 400],
    ['an absolute target without a host', get('http:///same'), 400],
    ['an absolute target of another scheme', get('ftp://{b}/same'), 400],
    ['no Host', get('/same', ''), 400],
    ['no Host in HTTP/1.0', get('/same', '', '1.0'), 404],
    ['an empty Host', get('/same', 'Host:\r\n'), 404],
    ['the same Host twice', get('/same', 'Host: {a}\r\nHost: {a}\r\n'), 400],
    ['two Hosts', get('/same', 'Host: {a}\r\nX: y\r\nhost: {b}\r\n'), 400],
    ['two Hosts, thousands of headers apart', get('/same', `Host: {a}\r\n${'a:\r\n'.repeat(3000)}Host: {b}\r\n`), 400],
    ['a Host after thousands of headers', get('/same', `${'a:\r\n'.repeat(3000)}Host: {b}\r\n`), 'b'],
    ['several hosts in one header', get('/same', 'Host: {a}, {b}\r\n'), 400],
    ['several hosts, parted by a comma alone', get('/same', 'Host: {a},{b}\r\n'), 400],
    ['a space in the Host', get('/same', 'Host: {a} {b}\r\n'), 400],
    ['a tab in the Host', get('/same', 'Host: {a}\t{b}\r\n'), 400],
    ['a null byte in the Host', get('/same', 'Host: {a}\0{b}\r\n'), 400],
    ['a control byte in the Host', get('/same', 'Host: {a}\x01\r\n'), 400],
    ['a line feed in the Host', get('/same', 'Host: {a}\n{b}\r\n'), 400],
    ['a folded Host', get('/same', 'Host: {a}\r\n {b}\r\n'), 400],
    ['a space before the colon', get('/same', 'Host : {a}\r\n'), 400],
    ['space around the Host', get('/same', 'Host: \t {a} \t\r\n'), 'a'],
    ['a user in the Host', get('/same', 'Host: {a}@{b}\r\n'), 400],
    ['a path in the Host, that would make a key', get('/deeper', 'Host: {a}/same\r\n'), 400],
    ['a URL in the Host', get('/same', 'Host: http://{a}\r\n'), 400],
    ['an IPv6 address', get('/same', 'Host: [::1]:8080\r\n'), 404],
    ['half an IPv6 address', get('/same', 'Host: [::1\r\n'), 400],
    ['a Host with an empty port', get('/same', 'Host: unknown.example:\r\n'), 404],
    ['a Host with a port', get('/same', 'Host: unknown.example:8080\r\n'), 404],
    ['a Host with a port that is no number', get('/same', 'Host: unknown.example:http\r\n'), 400],
    ['an over-long Host', get('/same', `Host: ${'a'.repeat(8000)}.example\r\n`), 404],
    ['a Host in capitals', get('/same', 'HOST: {A}\r\n'), 'a'],
  ])('%s', async (_name, bytes, expected) => {
    expect(shown(await send(bytes))).toEqual([expected]);
  });
});

describe('what is no path', () => {
  it.each<[string, string, string | number]>([
    ['*', get('*'), 400],
    ['OPTIONS *', get('*').replace('GET', 'OPTIONS'), 405],
    ['authority form', get('{a}'), 400],
    ['a relative path', get('same'), 400],
    ['half an escape', get('/%'), 400],
    ['a bad escape', get('/%zz'), 400],
    ['bytes that are no UTF-8', get('/%ff%fe'), 400],
    ['overlong UTF-8', get('/%c1%b3ame'), 400],
    ['an overlong slash', get('/same%c0%afdeeper'), 400],
    ['a lone surrogate', get('/%ed%a0%80'), 400],
    ['an escaped null byte', get('/same%00'), 400],
    ['a null byte', get('/same\0'), 400],
    ['raw UTF-8', get('/größe'), 400],
    ['two slashes', get('//same'), 404],
    ['two slashes and a host', get('//{b}/same'), 404],
    ['a dot', get('/./same'), 404],
    ['two dots', get('/../same'), 404],
    ['two escaped dots', get('/%2e%2e/same'), 404],
    ['a backslash', get('/\\same'), 404],
    ['a host after backslashes', get('\\\\{b}\\same'), 400],
    ['a fragment', get('/same#part'), 400],
    ['a space', get('/sa me'), 400],
    ['a tab', get('/sa\tme'), 400],
    ['a quoted line end, which starts no header', get('/same%0d%0aHost:%20{b}'), 404],
    ['a lower-case method', get('/same').replace('GET', 'get'), 400],
    ['a method nobody knows', get('/same').replace('GET', 'BREW'), 400],
    ['another protocol version', get('/same', 'Host: {a}\r\n', '1.2'), 400],
    ['a bare line feed', get('/same').replaceAll('\r\n', '\n'), 400],
    ['an expectation nobody can meet', get('/same', 'Host: {a}\r\nExpect: x\r\n'), 417],
  ])('%s', async (_name, bytes, expected) => expect(shown(await send(bytes))).toEqual([expected]));
});

describe('what is too much', () => {
  it.each([
    ['a header', get('/same', `Host: {a}\r\nX: ${'x'.repeat(20_000)}\r\n`)],
    ['a header without end', `GET /same HTTP/1.1\r\nHost: {a}\r\nX: ${'x'.repeat(300_000)}`],
    ['a URL', get(`/${'x'.repeat(20_000)}`)],
    ['a URL without end', `GET /${'x'.repeat(300_000)}`],
    ['headers by the thousand', get('/same', `Host: {a}\r\n${'X-A: b\r\n'.repeat(10_000)}`)],
  ])('%s', async (_name, bytes) => {
    expect(await send(bytes)).toMatchObject([{ status: 431, headers: { connection: 'close' } }]);
  });
});

describe('what is hardly HTTP', () => {
  it.each<[string, string | Buffer]>([
    ['a preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0'],
    ['a TLS hello', Buffer.from('16030100ca010000c60303', 'hex')],
    ['garbage', Buffer.from([0, 1, 2, 250, 13, 10, 13, 10])],
    ['a mail server', 'EHLO {a}\r\n'],
    ['a header without a name', get('/same', 'Host: {a}\r\n: x\r\n')],
    ['a header with a space in its name', get('/same', 'Host: {a}\r\nbro ken: x\r\n')],
  ])('answers %s with 400', async (_name, bytes) => {
    expect(await send(bytes)).toMatchObject([{ status: 400, headers: { connection: 'close' } }]);
  });

  it('answers HTTP/0.9, which names no host, like an unknown one', async () => {
    expect(shown(await send('GET /same\r\n\r\n'))).toEqual([404]);
  });

  it('opens no tunnel', async () => {
    expect(shown(await send('CONNECT {b}:443 HTTP/1.1\r\nHost: {a}\r\n\r\n', get('/same')))).toEqual([400]);
  });

  it('skips empty lines before a request', async () => {
    expect(shown(await send(`\r\n\r\n${get('/same')}`))).toEqual(['a']);
  });
});
