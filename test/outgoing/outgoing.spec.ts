import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Config, readSettings } from '../../src/platform/config/config.js';
import { OutgoingClient } from '../../src/platform/outgoing/outgoing-client.js';
import type { OutgoingError } from '../../src/platform/outgoing/outgoing.error.js';
import { type DnsServer, startDnsServer } from '../support/dns-server.js';
import { selfSigned } from '../support/self-signed.js';

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

let dns: DnsServer;
/** On 127.0.0.1 and on 127.0.0.2, at one port. */
let servers: Server[];
let port: number;
/** Requests that arrived: `host path`. */
let arrived: string[];
let answer: Answer;
const clients: OutgoingClient[] = [];

function newClient(variables: Record<string, string> = {}): OutgoingClient {
  const settings = readSettings({ DNS_SERVERS: dns.address, ...variables }, 'run');
  const config = Config.from(settings, {
    databaseUrls: settings.databaseUrls as never,
    secretKey: '',
    platformKey: '',
  });
  const client = new OutgoingClient(config);
  clients.push(client);
  return client;
}

/** One that may reach the first of the servers. */
let client: OutgoingClient;
/** One that may reach the public internet alone. */
let strict: OutgoingClient;

async function listening(host: string, port: number): Promise<Server> {
  const server = createServer((request, response) => {
    arrived.push(`${request.headers.host} ${request.url}`);
    answer(request, response);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  return server;
}

beforeAll(async () => {
  dns = await startDnsServer();
  const first = await listening('127.0.0.1', 0);
  ({ port } = first.address() as { port: number });
  servers = [first, await listening('127.0.0.2', port)];
  client = newClient({ OUTGOING_ALLOW: '127.0.0.1/32' });
  strict = newClient();
});

beforeEach(() => {
  arrived = [];
  dns.hosts.clear();
  answer = (_request, response) => response.end('here');
});

afterAll(async () => {
  for (const client of clients) await client.onApplicationShutdown();
  for (const server of servers) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  dns.close();
});

async function faultOf(asked: Promise<unknown>): Promise<string> {
  return asked.then(
    () => 'none',
    (error: OutgoingError) => error.fault ?? `not ours: ${String(error)}`,
  );
}

const at = (path = '/'): string => `http://127.0.0.1:${port}${path}`;

describe('addresses of no public server', () => {
  it.each([
    // One IPv4 address in all its forms
    '127.0.0.1',
    '127.1',
    '127.0.1',
    '2130706433',
    '0x7f000001',
    '0x7f.0.0.1',
    '0x7f.1',
    '017700000001',
    '0177.0.0.1',
    '0177.0.0.01',
    '127.0.0.1.',
    '0x7F.0.0.0x1',
    '127.000.000.001',
    '127.0.0.1%2e',
    '①②⑦.⓪.⓪.①',
    '１２７.0.0.1',
    '127。0。0。1',
    // This machine under other names
    'localhost',
    'LOCALHOST',
    'localhost.',
    'app.localhost',
    'ⓛocalhost',
    '0',
    '0.0.0.0',
    '127.0.0.2',
    '127.127.127.127',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[0000::0001]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[::ffff:0:127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[64:ff9b:1::7f00:1]',
    '[2002:7f00:1::]',
    '[2001:0:7f00:1::]',
    // The network around
    '10.0.0.1',
    '0xa000001',
    '172.16.0.1',
    '192.168.1.1',
    '3232235777',
    '100.64.0.1',
    '169.254.169.254',
    '2852039166',
    '0xa9fea9fe',
    '[::ffff:a9fe:a9fe]',
    '[fd00:ec2::254]',
    '[fe80::1]',
    '[fc00::1]',
    '[ff02::1]',
    '224.0.0.1',
    '255.255.255.255',
    '192.0.2.1',
    '198.18.0.1',
    '240.0.0.1',
    '[2001:db8::1]',
    '[3fff::1]',
    '168.63.129.16',
  ])('refuses http://%s', async (host) => {
    expect(await faultOf(strict.fetch(`http://${host}:${port}/`, { deadlineMs: 10_000 }))).toBe('address_refused');
    expect(arrived).toEqual([]);
  });

  it.each([
    ['http://[fe80::1%25eth0]/', 'invalid_url'],
    ['http://[fe80::1%eth0]/', 'invalid_url'],
    ['http://127.0.0.1.5/', 'invalid_url'],
    ['http://0x100000000/', 'invalid_url'],
    ['http://256.0.0.1/', 'invalid_url'],
    ['http:///', 'invalid_url'],
    ['//127.0.0.1/', 'invalid_url'],
    ['127.0.0.1', 'invalid_url'],
    ['', 'invalid_url'],
    ['file:///etc/passwd', 'scheme_refused'],
    ['gopher://127.0.0.1/', 'scheme_refused'],
    ['ftp://example.com/', 'scheme_refused'],
    ['ws://example.com/', 'scheme_refused'],
    ['data:text/plain,hello', 'scheme_refused'],
    ['http://user@example.com/', 'credentials_refused'],
    ['http://user:word@example.com/', 'credentials_refused'],
    ['http://example.com\\@127.0.0.1/', 'name_not_found'],
    ['http://8.8.8.8:22/', 'port_refused'],
    ['http://8.8.8.8:6379/', 'port_refused'],
    ['https://8.8.8.8:80001/', 'invalid_url'],
  ])('refuses %s: %s', async (url, fault) => expect(await faultOf(strict.fetch(url))).toBe(fault));

  it('reaches an address that the operator has opened, at any port, and no other', async () => {
    expect((await client.fetch(at())).body.toString()).toBe('here');
    expect(await faultOf(client.fetch(`http://127.0.0.2:${port}/`))).toBe('address_refused');
    expect(arrived).toEqual([`127.0.0.1:${port} /`]);
  });
});

describe('names', () => {
  it('refuses a name that leads inside', async () => {
    dns.hosts.set('inside.example', () => ['127.0.0.1']);
    expect(await faultOf(strict.fetch(`http://inside.example:${port}/`))).toBe('address_refused');
    expect(arrived).toEqual([]);
  });

  it.each([
    ['127.0.0.1', '127.0.0.2'],
    ['127.0.0.1', '::1'],
    ['127.0.0.1', '::ffff:127.0.0.2'],
  ])('refuses a name that leads to %s and %s', async (...addresses) => {
    dns.hosts.set('both.example', () => addresses);
    expect(await faultOf(client.fetch(`http://both.example:${port}/`))).toBe('address_refused');
    expect(arrived).toEqual([]);
  });

  it('checks the addresses it connects to, not those of a look-up before', async () => {
    // Whoever looks twice is told something harmless first; a time to live of 0 keeps nothing in between.
    const told = ['127.0.0.1', '127.0.0.2', '127.0.0.2'];
    let asked = 0;
    dns.hosts.set('rebinding.example', () => [told[Math.min(asked++, told.length - 1)] as string]);
    answer = (_request, response) => response.setHeader('connection', 'close').end('here');
    const outcomes: string[] = [];
    for (let n = 0; n < 4; n++) outcomes.push(await faultOf(client.fetch(`http://rebinding.example:${port}/`)));
    // A and AAAA are two questions: the first connection may get either of the first two answers, the others none.
    expect(outcomes.slice(1)).toEqual(['address_refused', 'address_refused', 'address_refused']);
    expect(arrived.length).toBeLessThanOrEqual(1);
  });

  it('refuses a redirect to a name that has meanwhile moved inside', async () => {
    let address = '127.0.0.1';
    dns.hosts.set('moving.example', () => [address]);
    answer = (request, response) => {
      address = '127.0.0.2';
      response.writeHead(302, { location: `http://moving.example:${port}/next`, connection: 'close' }).end(request.url);
    };
    expect(await faultOf(client.fetch(`http://moving.example:${port}/`))).toBe('address_refused');
    expect(arrived).toEqual([`moving.example:${port} /`]);
  });

  it('refuses a name with an address outside and one inside', async () => {
    dns.hosts.set('half.example', () => ['8.8.8.8', '127.0.0.1']);
    expect(await faultOf(strict.fetch('http://half.example/'))).toBe('address_refused');
  });

  it('says that a name is not there, and that nobody answers', async () => {
    expect(await faultOf(client.fetch('http://missing.example/'))).toBe('name_not_found');
    dns.records.set('silent.example', 'silent');
    expect(await faultOf(client.fetch('http://silent.example/', { deadlineMs: 300 }))).toBe('timed_out');
  });
});

describe('redirects', () => {
  const redirecting = (to: string, status = 302): void => {
    answer = (request, response) =>
      request.url === '/' ? response.writeHead(status, { location: to }).end('x'.repeat(10)) : response.end('there');
  };

  it.each([301, 302, 303, 307, 308])('follows a %i', async (status) => {
    redirecting('/next', status);
    const { url, body } = await client.fetch(at());
    expect([url, body.toString()]).toEqual([at('/next'), 'there']);
  });

  it.each([
    ['http://127.0.0.2/', 'address_refused'],
    ['http://169.254.169.254/latest/meta-data/', 'address_refused'],
    ['http://[::1]/', 'address_refused'],
    ['http://2130706434/', 'address_refused'],
    ['//127.0.0.2/', 'address_refused'],
    ['http://8.8.8.8:25/', 'port_refused'],
    ['file:///etc/passwd', 'scheme_refused'],
    ['gopher://127.0.0.1/', 'scheme_refused'],
    ['http://user:word@127.0.0.1/', 'credentials_refused'],
    ['http://', 'invalid_url'],
  ])('does not follow one to %s', async (to, fault) => {
    redirecting(to);
    expect(await faultOf(client.fetch(at()))).toBe(fault);
    expect(arrived).toHaveLength(1);
  });

  it('follows no more than it may', async () => {
    answer = (request, response) => response.writeHead(302, { location: `${request.url}a` }).end();
    expect(await faultOf(client.fetch(at('/'), { maxRedirects: 4 }))).toBe('too_many_redirects');
    expect(arrived).toHaveLength(5);
  });

  it('sends no body on', async () => {
    redirecting('/next', 307);
    expect(await faultOf(client.fetch(at(), { method: 'POST', body: 'secret' }))).toBe('redirect_refused');
    expect(arrived).toHaveLength(1);
  });

  it('keeps headers from another origin', async () => {
    dns.hosts.set('other.example', () => ['127.0.0.1']);
    const seen: Array<string | undefined> = [];
    answer = (request, response) => {
      seen.push(request.headers.authorization);
      const next = { '/': '/same', '/same': `http://other.example:${port}/other` }[request.url ?? ''];
      if (next) response.writeHead(302, { location: next }).end();
      else response.end();
    };
    await client.fetch(at(), { headers: { authorization: 'Bearer secret' } });
    expect(seen).toEqual(['Bearer secret', 'Bearer secret', undefined]);
  });

  it('is asked for https and gets it on every hop', async () => {
    expect(await faultOf(client.fetch(at(), { httpsOnly: true }))).toBe('scheme_refused');
    expect(arrived).toEqual([]);
  });
});

describe('bodies', () => {
  const MAX = { maxBytes: 1000 };

  it('takes as many bytes as it may and no more', async () => {
    answer = (request, response) => response.end('x'.repeat(Number(request.url?.slice(1))));
    expect((await client.fetch(at('/1000'), MAX)).body).toHaveLength(1000);
    expect(await faultOf(client.fetch(at('/1001'), MAX))).toBe('too_large');
  });

  it('stops reading a body without an end', async () => {
    let sent = 0;
    const ended = new Promise((resolve) => {
      answer = (_request, response) => {
        response.once('close', resolve);
        const more = (): void => {
          while (!response.destroyed && response.write('x'.repeat(10_000))) sent += 10_000;
          response.once('drain', more);
        };
        more();
      };
    });
    expect(await faultOf(client.fetch(at(), { maxBytes: 100_000 }))).toBe('too_large');
    await ended;
    // What the sockets' buffers take, beyond the limit.
    expect(sent).toBeLessThan(50_000_000);
  });

  it.each([
    ['gzip', (body: Buffer) => gzipSync(body)],
    ['br', (body: Buffer) => brotliCompressSync(body)],
  ])('reads %s, and stops before a bomb in it has grown', async (encoding, compress) => {
    const packed = { '/small': compress(Buffer.from('small')), '/bomb': compress(Buffer.alloc(50_000_000)) };
    answer = (request, response) =>
      response.setHeader('content-encoding', encoding).end(packed[request.url as keyof typeof packed]);
    expect((await client.fetch(at('/small'), MAX)).body.toString()).toBe('small');
    const before = process.memoryUsage.rss();
    expect(await faultOf(client.fetch(at('/bomb'), { maxBytes: 100_000 }))).toBe('too_large');
    expect(process.memoryUsage.rss() - before).toBeLessThan(30_000_000);
  });

  it('stops at compressed data that goes on and makes nothing', async () => {
    const nothing = gzipSync('');
    answer = (_request, response) => {
      response.setHeader('content-encoding', 'gzip');
      const more = (): void => {
        while (!response.destroyed && response.write(nothing));
        response.once('drain', more);
      };
      more();
    };
    expect(await faultOf(client.fetch(at(), MAX))).toBe('too_large');
  });

  it.each(['gzip, gzip', 'compress', 'constructor', 'zstd'])('refuses a body in %s', async (encoding) => {
    answer = (_request, response) => response.setHeader('content-encoding', encoding).end('x');
    expect(await faultOf(client.fetch(at()))).toBe('bad_encoding');
  });

  it.each(['gzip', 'br', 'deflate'])('refuses a damaged body in %s', async (encoding) => {
    answer = (_request, response) => response.setHeader('content-encoding', encoding).end('no such thing');
    expect(await faultOf(client.fetch(at()))).toBe('bad_encoding');
  });
});

describe('time', () => {
  const within = { deadlineMs: 400 };

  it.each<[string, Answer]>([
    ['does not answer', () => undefined],
    [
      'sends a head and no body',
      (_request, response) => response.writeHead(200, { 'content-length': 5 }).flushHeaders(),
    ],
    [
      'sends a byte now and then',
      async (_request, response) => {
        while (!response.destroyed) {
          response.write('x');
          await sleep(50);
        }
      },
    ],
    [
      'redirects slowly, again and again',
      async (request, response) => {
        await sleep(150);
        response.writeHead(302, { location: `${request.url}a` }).end();
      },
    ],
  ])('gives up on a server that %s', async (_name, behaviour) => {
    answer = behaviour;
    const started = performance.now();
    expect(await faultOf(client.fetch(at(), { ...within, maxRedirects: 20 }))).toBe('timed_out');
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  it('ends when the caller does, with the reason of the caller', async () => {
    answer = () => undefined;
    const stopped = new AbortController();
    const asked = client.fetch(at(), { signal: stopped.signal });
    stopped.abort(new Error('no longer wanted'));
    await expect(asked).rejects.toThrow('no longer wanted');
  });

  it('says that nobody listens', async () => {
    expect(await faultOf(client.fetch('http://127.0.0.1:1/'))).toBe('unreachable');
    answer = (request) => request.destroy();
    expect(await faultOf(client.fetch(at()))).toBe('unreachable');
  });
});

describe('certificates', () => {
  it('refuses a server whose certificate nobody vouches for, before it is asked anything', async () => {
    const server = createSecureServer(selfSigned, (_request, response) => {
      arrived.push('https');
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    dns.hosts.set('inside.example', () => ['127.0.0.1']);
    for (const host of ['127.0.0.1', 'inside.example']) {
      await expect(client.fetch(`https://${host}:${port}/`)).rejects.toMatchObject({
        fault: 'unreachable',
        cause: { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
      });
      expect(await faultOf(strict.fetch(`https://${host}:${port}/`))).toBe('address_refused');
    }
    expect(arrived).toEqual([]);
    server.close();
  });

  it('reaches a server whose certificate is vouched for, by its name and by no other', async () => {
    const names: Array<string | false> = [];
    const server = createSecureServer(selfSigned, (request, response) => {
      names.push((request.socket as TLSSocket).servername ?? false);
      response.end('{"issuer":"inside"}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    for (const host of ['inside.example', 'other.example']) dns.hosts.set(host, () => ['127.0.0.1']);
    const trusted = getCACertificates('default');
    setDefaultCACertificates([...trusted, selfSigned.cert]);
    // Its own: certificates are judged when a connection is made, and one that is open is used again.
    const trusting = newClient({ OUTGOING_ALLOW: '127.0.0.1/32' });
    try {
      const answer = await trusting.fetchJson(`https://inside.example:${port}/`, { httpsOnly: true });
      expect(answer).toMatchObject({ status: 200, value: { issuer: 'inside' } });
      await expect(trusting.fetch(`https://other.example:${port}/`)).rejects.toMatchObject({
        fault: 'unreachable',
        cause: { code: 'ERR_TLS_CERT_ALTNAME_INVALID' },
      });
      expect(names).toEqual(['inside.example']);
    } finally {
      setDefaultCACertificates(trusted);
      server.close();
    }
  });
});

describe('requests', () => {
  it('sends nothing of its own but who asks, and keeps no cookie', async () => {
    const seen: Array<Record<string, unknown>> = [];
    answer = (request, response) => {
      seen.push(request.headers);
      response.setHeader('set-cookie', 'session=1; Path=/').end();
    };
    await client.fetch(at());
    await client.fetch(at());
    const expected = { host: `127.0.0.1:${port}`, connection: 'keep-alive', 'user-agent': 'Waypost' };
    expect(seen).toEqual([1, 2].map(() => ({ ...expected, 'accept-encoding': 'gzip, deflate, br' })));
  });

  it('goes through no proxy', async () => {
    const before = { ...process.env };
    Object.assign(process.env, { HTTP_PROXY: 'http://127.0.0.1:1', http_proxy: 'http://127.0.0.1:1', NO_PROXY: '' });
    try {
      expect((await newClient({ OUTGOING_ALLOW: '127.0.0.1/32' }).fetch(at())).status).toBe(200);
    } finally {
      process.env = before;
    }
  });

  it('gives the JSON of a document', async () => {
    answer = (_request, response) => response.end('{"issuer":"someone"}');
    expect(await client.fetchJson(at())).toMatchObject({ status: 200, value: { issuer: 'someone' } });
  });

  it('takes neither another status nor another format for it', async () => {
    answer = (request, response) => response.writeHead(request.url === '/missing' ? 404 : 200).end('<html>');
    expect(await faultOf(client.fetchJson(at('/missing')))).toBe('bad_status');
    expect(await faultOf(client.fetchJson(at()))).toBe('bad_json');
  });
});
