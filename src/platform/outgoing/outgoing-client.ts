import type { IncomingHttpHeaders } from 'node:http';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import type { Agent, Dispatcher, request } from 'undici';
import { Config } from '../config/config.js';
import { type Network, parseNetwork } from './address-rules.js';
import { HostAddresses } from './host-addresses.js';
import { OutgoingError } from './outgoing.error.js';
import { outgoingUrl, redirectedUrl } from './outgoing-url.js';
import { ACCEPT_ENCODING, discard, readBody } from './response-body.js';

const USER_AGENT = 'Waypost';
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const DEFAULTS = { maxBytes: 1024 * 1024, deadlineMs: 5_000, maxRedirects: 3 };
/** For a connection alone; the deadline of the whole may end it sooner. */
const CONNECT_MS = 5_000;
/** To one origin, at a time. What is more waits, until its deadline. */
const CONNECTIONS = 16;

export interface OutgoingOptions {
  method?: 'GET' | 'HEAD' | 'POST' | 'PUT';
  /** Sent to the first origin alone; after a redirect to another one, only `accept` is. */
  headers?: Record<string, string>;
  body?: string | Buffer;
  /** Of the body, as it arrives and decompressed. */
  maxBytes?: number;
  /** For everything: look-ups, redirects, the whole body. */
  deadlineMs?: number;
  /** Followed at most; only those of GET and HEAD are. */
  maxRedirects?: number;
  /** On every hop. */
  httpsOnly?: boolean;
  signal?: AbortSignal;
}

export interface OutgoingResponse {
  /** After redirects. */
  url: string;
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

interface Requester {
  agent: Agent;
  request: typeof request;
}

/**
 * The one way to ask a server that somebody else has named: an identity provider, a webhook's receiver, a page to preview.
 * It reaches the public internet and what the operator opened, keeps no cookies, and goes through no proxy.
 */
@Injectable()
export class OutgoingClient implements OnApplicationShutdown {
  private requester: Promise<Requester> | undefined;

  constructor(private readonly config: Config) {}

  /**
   * The document at a URL.
   *
   * @throws OutgoingError also when the status is not 2xx, or the body no JSON
   */
  async fetchJson(url: string | URL, options: OutgoingOptions = {}): Promise<{ value: unknown } & OutgoingResponse> {
    const headers = { accept: 'application/json', ...options.headers };
    const response = await this.fetch(url, { ...options, headers });
    if (response.status < 200 || response.status > 299) {
      throw new OutgoingError('bad_status', `${response.url} answered ${response.status}`);
    }
    try {
      return { ...response, value: JSON.parse(response.body.toString('utf8')) as unknown };
    } catch (error) {
      throw new OutgoingError('bad_json', `${response.url} answered with something else`, error);
    }
  }

  /**
   * The answer of a server, whatever its status; redirects are followed.
   *
   * @throws OutgoingError
   */
  async fetch(input: string | URL, options: OutgoingOptions = {}): Promise<OutgoingResponse> {
    const deadline = AbortSignal.timeout(options.deadlineMs ?? DEFAULTS.deadlineMs);
    const signal = options.signal ? AbortSignal.any([deadline, options.signal]) : deadline;
    try {
      return await unlessAborted(signal, this.follow(outgoingUrl(input, options.httpsOnly === true), options, signal));
    } catch (error) {
      if (error instanceof OutgoingError) throw error;
      if (deadline.aborted || (error as { code?: unknown }).code === 'UND_ERR_CONNECT_TIMEOUT') {
        throw new OutgoingError('timed_out', 'No whole answer came in time', error);
      }
      options.signal?.throwIfAborted();
      throw new OutgoingError('unreachable', String(error), error);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await (await this.requester)?.agent.destroy();
  }

  private async follow(first: URL, options: OutgoingOptions, signal: AbortSignal): Promise<OutgoingResponse> {
    const { maxRedirects = DEFAULTS.maxRedirects, httpsOnly = false } = options;
    let url = first;
    for (let hop = 0; hop <= maxRedirects; hop++) {
      const answer = await this.ask(url, headersFor(url, first, options), options, signal);
      const { location } = answer.headers;
      if (!REDIRECTS.has(answer.statusCode) || typeof location !== 'string') {
        return { url: url.href, ...(await wholeAnswer(answer, options, signal)) };
      }
      // What a redirect says besides is nobody's concern; not read, it would hold the connection.
      discard(answer.body);
      if ((options.method ?? 'GET') !== 'GET' && options.method !== 'HEAD') {
        throw new OutgoingError('redirect_refused', `${url.host} redirects a ${options.method}`);
      }
      url = redirectedUrl(url, location, httpsOnly);
    }
    throw new OutgoingError('too_many_redirects', `More than ${maxRedirects} from ${first.host}`);
  }

  private async ask(
    url: URL,
    headers: Record<string, string>,
    { method = 'GET', body }: OutgoingOptions,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const { agent, request } = await (this.requester ??= openRequester(this.config));
    return request(url, { dispatcher: agent, method, headers, body: body ?? null, signal });
  }
}

/** The library is read when somebody is asked for the first time: it is large, and most processes ask nobody. */
async function openRequester({ dnsServers, outgoingAllow, outgoingPorts }: Config): Promise<Requester> {
  const [undici, { guardedConnector }] = await Promise.all([import('undici'), import('./guarded-connector.js')]);
  const addresses = new HostAddresses(dnsServers);
  const agent = new undici.Agent({
    allowH2: false,
    connections: CONNECTIONS,
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 10_000,
    connect: guardedConnector({
      opened: outgoingAllow.map(parseNetwork).filter((network): network is Network => network !== undefined),
      ports: new Set(outgoingPorts),
      resolve: (hostname) => addresses.of(hostname),
      timeout: CONNECT_MS,
    }),
  });
  return { agent, request: undici.request };
}

/** The library hears of an end only once it is connected: this one is heard at once. */
async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function headersFor(url: URL, first: URL, { headers = {} }: OutgoingOptions): Record<string, string> {
  const own = { 'user-agent': USER_AGENT, 'accept-encoding': ACCEPT_ENCODING };
  if (url.origin === first.origin) return { ...headers, ...own };
  return { ...(headers['accept'] && { accept: headers['accept'] }), ...own };
}

async function wholeAnswer(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  { method, maxBytes = DEFAULTS.maxBytes }: OutgoingOptions,
  signal: AbortSignal,
): Promise<Omit<OutgoingResponse, 'url'>> {
  if (method !== 'HEAD' && Number(headers['content-length'] ?? 0) > maxBytes) {
    discard(body);
    throw new OutgoingError('too_large', `A body of ${String(headers['content-length'])} bytes is announced`);
  }
  const encoding = String(headers['content-encoding'] ?? '')
    .trim()
    .toLowerCase();
  return { status: statusCode, headers, body: await readBody(body, encoding, maxBytes, signal) };
}
