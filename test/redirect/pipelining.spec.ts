import { describe, expect, it } from '@jest/globals';
import { get, send, serveTwoHosts, shown, withHosts } from '../support/raw-visits.js';
import { unique } from '../support/waypost.js';

serveTwoHosts();

const first = (headers: string, body = '', target = '/same'): string =>
  `GET ${target} HTTP/1.1\r\nHost: {a}\r\n${headers}\r\n${body}`;
const last = get('/same', 'Host: {b}\r\n');

describe('the request after a body', () => {
  const hidden = 'GET /smuggled HTTP/1.1\r\nHost: {a}\r\n\r\n';
  const chunked = 'Transfer-Encoding: chunked\r\n';
  const empty = '0\r\n\r\n';

  it.each<[string, string, Array<string | number>]>([
    ['of a known length', first('Content-Length: 5\r\n', 'hello'), ['a', 'b']],
    ['in chunks', first(chunked, `5\r\nhello\r\n${empty}`), ['a', 'b']],
    ['in chunks with a Host for a trailer', first(chunked.toUpperCase(), '0\r\nHost: {b}\r\n\r\n'), ['a', 'b']],
    ['that looks like a request', first('Content-Length: {length}\r\n', hidden), ['a', 'b']],
    ['on the full way', first('Content-Length: 5\r\n', 'hello', '/slow'), ['a/slow', 'b']],
    ['that was announced', first('Expect: 100-continue\r\nContent-Length: 5\r\n', 'hello'), ['a', 'b']],
    ['of a method that is refused', first(chunked, empty).replace('GET', 'POST'), [405, 'b']],
    ['of a length and chunks', first(`Content-Length: 5\r\n${chunked}`, empty), [400]],
    ['of chunks and a length', first(`${chunked}Content-Length: 5\r\n`, empty), [400]],
    ['of two lengths', first('Content-Length: 5\r\nContent-Length: 6\r\n', 'hello'), [400]],
    ['of a signed length', first('Content-Length: +5\r\n', 'hello'), [400]],
    ['of an unknown coding', first('Transfer-Encoding: gzip\r\n', hidden), [400]],
    ['of two codings', first('Transfer-Encoding: gzip, chunked\r\n', empty), [400]],
    ['of a coding that looks like chunks', first('Transfer-Encoding: xchunked\r\n', empty), [400]],
    ['of chunks, with a space before the colon', first('Transfer-Encoding : chunked\r\n', empty), [400]],
    ['of broken chunks', first(chunked, 'zz\r\n'), ['a']],
    ['of chunks in HTTP/1.0', first(`Connection: keep-alive\r\n${chunked}`, empty).replace('1.1', '1.0'), [400]],
  ])('%s', async (_name, bytes, expected) => {
    const whole = bytes.replace('{length}', String(withHosts(hidden).length));
    expect(shown(await send(whole + last))).toEqual(expected);
    expect(shown(await send(whole, last))).toEqual(expected);
  });
});

describe('several requests on a connection', () => {
  it('are answered in their order, each for its own host', async () => {
    const [requests, expected]: [string[], Array<string | number>] = [[], []];
    for (let n = 0; n < 10; n++) {
      for (const host of ['a', 'b']) {
        const ask = (target: string, leads: string | number): void => {
          requests.push(`GET ${target} HTTP/1.1\r\nHost: {${host}}\r\n\r\n`);
          expected.push(leads);
        };
        ask('/slow', `${host}/slow`);
        ask('/same', host);
        ask(`/${unique()}`, 404); // which the database is asked for
        ask('/same/deeper', `${host}/deeper`);
      }
      requests.push('GET http://{b}/same HTTP/1.1\r\nHost: {a}\r\n\r\n');
      expected.push('b');
    }
    expect(shown(await send(requests.join('') + last))).toEqual([...expected, 'b']);
  });

  it('are answered however their bytes are parted', async () => {
    const bytes = withHosts(first('', '', '/slow') + last);
    for (let at = 1; at < bytes.length; at += 17) {
      expect(shown(await send(bytes.slice(0, at), bytes.slice(at)))).toEqual(['a/slow', 'b']);
    }
  });

  it.each([
    ['garbage', 'garbage\r\n\r\n', [400]],
    ['a request without Host', 'GET /same HTTP/1.1\r\n\r\n', [400]],
    ['a head without end', `GET /${'x'.repeat(40_000)}`, [431]],
    ['CONNECT', 'CONNECT {b}:443 HTTP/1.1\r\nHost: {b}\r\n\r\n', [400]],
  ])('are answered up to %s, and none after it', async (_name, bad, refusal) => {
    expect(shown(await send(first('') + bad + last))).toEqual(['a', ...refusal]);
    const unknown = first('', '', `/${unique()}`);
    expect(shown(await send(unknown + first('') + bad + last))).toEqual([404, 'a', ...refusal]);
  });

  it('are read as such after one that would rather speak another protocol', async () => {
    const upgrade = first('Connection: Upgrade\r\nUpgrade: h2c\r\n');
    expect(shown(await send(upgrade + last))).toEqual(['a']);
    // Half a request in the packet of the upgrade must not make the other half one.
    expect(shown(await send(`${upgrade}GET /x?`, last))).toEqual(['a']);
  });

  it('end with one that says so', async () => {
    expect(shown(await send(last + first('')))).toEqual(['b']);
  });

  it.each([
    ['ends the connection', '', ['a']],
    ['keeps it where asked to', 'Connection: keep-alive\r\n', ['a', 'b']],
  ])('are as many as HTTP/1.0 allows: it %s', async (_name, headers, expected) => {
    expect(shown(await send(first(headers).replace('1.1', '1.0') + last))).toEqual(expected);
  });
});
