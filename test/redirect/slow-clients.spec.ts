import type { Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { createListener } from '../../src/roles/redirect/redirect.listener.js';

/** The listener as it is, but for its patience, in ms. */
const PATIENCE = 200;
const TIMEOUTS = {
  requestTimeout: PATIENCE,
  headersTimeout: PATIENCE,
  keepAliveTimeout: 60_000,
  connectionsCheckingInterval: 20,
};

describe('a client that is slow', () => {
  let server: Server;
  let socket: Socket;

  beforeEach(async () => {
    server = createListener(
      () => false,
      (_request, response) => void response.end('served'),
      TIMEOUTS,
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    await once(socket, 'connect');
  });
  afterEach(async () => {
    socket.destroy();
    server.close();
    await once(server, 'close');
  });

  /** What it gets until it is shown the door. */
  async function untilClosed(): Promise<string> {
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await once(socket, 'close', { signal: AbortSignal.timeout(3_000) });
    return text;
  }

  it('is let go without a word when it says nothing', async () => {
    expect(await untilClosed()).toBe('');
  });

  it('is told so when it sends its head too slowly, byte by byte', async () => {
    socket.write('GET /x HTTP/1.1\r\nHost: a.example\r\nX: ');
    const dripping = setInterval(() => socket.write('x'), 20);
    expect(await untilClosed().finally(() => clearInterval(dripping))).toMatch(
      /^HTTP\/1\.1 408 Request Timeout\r\n[^]*connection: close\r\n/,
    );
  });

  it('gets its one answer when the body never comes', async () => {
    socket.write('GET /x HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n\r\n');
    const text = await untilClosed();
    expect(text).toContain('served');
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  });

  it('does not hold a refused connection open by keeping its own half', async () => {
    const half = connect({ port: socket.remotePort ?? 0, host: '127.0.0.1', allowHalfOpen: true });
    half.on('error', () => undefined); // The reset that is waited for.
    half.write('garbage\r\n\r\n');
    half.resume();
    const connections = (): Promise<number> =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      );
    await once(half, 'end');
    socket.destroy();
    const end = Date.now() + 3_000;
    while ((await connections()) > 0 && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await connections()).toBe(0);
    half.destroy();
  });
});
