import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { redirectDuration } from '../../platform/telemetry/metrics.js';
import { MALFORMED, type Page, pageHeaders, TOO_LARGE, TOO_SLOW } from './redirect-pages.js';
import { readTarget } from './request-target.js';

/** In ms. A client that sends its request slowly, or nothing, does not hold a connection for long. */
const TIMEOUTS = {
  requestTimeout: 10_000,
  headersTimeout: 10_000,
  keepAliveTimeout: 72_000,
  // How often the first two are looked at; Node's own half a minute would make 40 s of the 10.
  connectionsCheckingInterval: 1_000,
};
/** In ms. A client that was told to go may still read why; see RFC 9112, section 9.6. */
const LINGER = 1_000;

/** @returns false when it leaves the request alone */
type FastLane = (request: IncomingMessage, response: ServerResponse) => boolean;

/** By connection: the answer to its latest request. A property is read and written faster than a WeakMap. */
const LATEST = Symbol('latest answer');
type Connection = Duplex & { [LATEST]?: ServerResponse };

/**
 * Node's own server: the fast lane answers what it can, before any router; all else goes the full way, in origin form
 * and with the host it is for in the Host header.
 */
export function createListener(fastLane: FastLane, full: RequestListener, timeouts = TIMEOUTS): Server {
  const server = createServer(
    // Node would keep the first of several Host headers, and hide the others; what is missing, readTarget refuses.
    { ...timeouts, joinDuplicateHeaders: true, requireHostHeader: false },
    (request, response) => {
      (request.socket as Connection)[LATEST] = response;
      if (isBare(request) && fastLane(request, response)) return;
      // Node drops what follows in the same packet, so that the next bytes would be read as the head of a request.
      if (request.headers.upgrade !== undefined) response.shouldKeepAlive = false;
      const target = readTarget(request);
      if (!target) return refuse(response, MALFORMED);
      request.url = target.url;
      request.headers.host = target.host;
      full(request, response);
    },
  );
  // Past this many, Node would drop headers, a second Host among them. The size of the head bounds them anyway.
  server.maxHeadersCount = 0;
  // Node would cut the connection under answers that are under way, and lets go of it, its errors included.
  server.on('connect', (_request, socket) => {
    socket.on('error', () => socket.destroy());
    giveUp(new Error('No tunnels here'), socket);
  });
  return server.on('clientError', (error, socket) => giveUp(error, socket));
}

/** Nothing about it needs a second look: GET without a body, and a Host header that ends where the path begins. */
function isBare({ method, httpVersion, headers }: IncomingMessage): boolean {
  return (
    method === 'GET' &&
    httpVersion === '1.1' &&
    headers.host?.includes('/') === false &&
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    headers.upgrade === undefined
  );
}

function refuse(response: ServerResponse, page: Page): void {
  const { status, body } = page;
  // At sight, and past all that is timed.
  redirectDuration.of({ status }).add(0);
  response.writeHead(status, {
    ...pageHeaders(page),
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  response.end(body);
}

/** Node could not read on. Answers that are under way come first: a client takes them in order. */
function giveUp(error: NodeJS.ErrnoException, socket: Connection): void {
  const latest = socket[LATEST];
  // Sent after a request that closes: Node ends the connection with its answer.
  if (error.code === 'HPE_CLOSED_CONNECTION') return;
  if (latest && !latest.writableFinished && !latest.destroyed) {
    latest.once('close', () => close(error, socket, latest));
  } else close(error, socket, latest);
}

function close(error: NodeJS.ErrnoException, socket: Duplex, latest: ServerResponse | undefined): void {
  if (!socket.writable) return;
  // A browser that connected ahead of need would take the answer for that to its first request.
  if (socket instanceof Socket && socket.bytesRead === 0) return void socket.destroy();
  // A fault within a body: that request has its answer already, and one more would be taken for the next one's.
  const answered = latest?.req.complete === false;
  socket.end(answered ? undefined : rawPage(error));
  setTimeout(() => socket.destroy(), LINGER).unref();
}

const rawPage = ({ code }: NodeJS.ErrnoException): string => {
  if (code === 'HPE_HEADER_OVERFLOW') return raw(TOO_LARGE, 'Request Header Fields Too Large');
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? raw(TOO_SLOW, 'Request Timeout') : raw(MALFORMED, 'Bad Request');
};

/** Too early for anything but bytes. */
const raw = (page: Page, reason: string): string =>
  [
    `HTTP/1.1 ${page.status} ${reason}`,
    ...Object.entries(pageHeaders(page)).map(([name, value]) => `${name}: ${value}`),
    `content-length: ${Buffer.byteLength(page.body)}`,
    'connection: close',
    '',
    page.body,
  ].join('\r\n');
