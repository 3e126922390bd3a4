import { once } from 'node:events';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { itOnOneServer } from '../support/on-one-server.js';
import { asRole } from '../support/database.js';
import { everything } from '../support/pages.js';
import { exchange, openSocket } from '../support/raw-http.js';
import { type LinkBody, newTenant, type Tenant, unique } from '../support/waypost.js';

const url = 'https://example.com/';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

/** What is refused leaves nothing behind. */
const links = async (): Promise<number> => (await everything<LinkBody>(tenant, '/v1/links?archived=all')).length;

describe('what is hardly HTTP', () => {
  const head = `POST /v1/links HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`;

  it.each([
    ['garbage', Buffer.from([0, 1, 2, 250, 13, 10, 13, 10])],
    ['TLS', Buffer.from('16030100ca010000c60303', 'hex')],
    ['no host', 'GET /v1/links HTTP/1.1\r\nconnection: close\r\n\r\n'],
    ['a broken header', 'GET /v1/links HTTP/1.1\r\nhost: x\r\nbro ken: 1\r\n\r\n'],
    ['two lengths', `${head}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`],
    ['a length and chunks', `${head}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['a broken chunk', `${head}transfer-encoding: chunked\r\n\r\nzz\r\n`],
    ['a head without end', `GET /v1/links HTTP/1.1\r\nhost: x\r\nx-a: ${'x'.repeat(40_000)}\r\n\r\n`],
    ['a path without end', `GET /v1/links?search=${'x'.repeat(40_000)} HTTP/1.1\r\nhost: x\r\n\r\n`],
  ])('answers %s with a problem and closes', async (_name, bytes) => {
    const answer = await exchange(bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(answer.toLowerCase()).toContain('content-type: application/problem+json');
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ code: 'malformed_request' });
  });

  it('survives clients that hang up half way, and writes nothing of theirs', async () => {
    const before = await links();
    const body = JSON.stringify({ url, title: 'half' });
    for (const sent of [0, 1, body.length - 1]) {
      const socket = await openSocket();
      socket.write(
        `${head}authorization: Bearer ${tenant.apiKey}\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, sent)}`,
      );
      const closed = once(socket, 'close');
      socket.resetAndDestroy();
      await closed;
    }
    expect((await tenant.get('/v1/tenant')).status).toBe(200);
    expect(await links()).toBe(before);
  });

  itOnOneServer('writes the whole of a request whose client does not wait for the answer, or nothing', async () => {
    const name = unique();
    const body = JSON.stringify({ url, title: name, tags: [name] });
    for (let n = 0; n < 5; n++) {
      const socket = await openSocket();
      socket.end(`${head}authorization: Bearer ${tenant.apiKey}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
      const closed = once(socket, 'close');
      socket.destroy();
      await closed;
    }
    // In one snapshot: some of the requests may still be running.
    const { rows } = await asRole('postgres', (client) =>
      client.query<{ links: number; tags: number; events: number }>(
        `SELECT (SELECT count(*)::int FROM links WHERE title = $1) AS links,
                (SELECT count(*)::int FROM tags WHERE name = $1) AS tags,
                (SELECT count(*)::int FROM audit_events WHERE after ->> 'title' = $1) AS events`,
        [name],
      ),
    );
    expect(rows[0]).toEqual({ links: rows[0]?.links, tags: rows[0]?.links, events: rows[0]?.links });
  });
});
