import { randomBytes } from 'node:crypto';
import http from 'node:http';
import type { Credentials } from './waypost-process.js';

/** The shared Waypost, as its credentials file describes it. */
export const underTest = JSON.parse(process.env.WAYPOST_UNDER_TEST ?? '{}') as Credentials & {
  dataDir: string;
  tlsAskKey: string;
};

export interface Answer<T = never> {
  status: number;
  headers: http.IncomingHttpHeaders;
  /** Parsed if it is JSON, else the text. */
  body: T;
  /** As it came. */
  text: string;
}

export interface Asked {
  body?: unknown;
  /** Sent as it is, instead of `body`. */
  raw?: string | Buffer;
  headers?: Record<string, string>;
}

// Keep-alive, as real clients do; enough sockets for the tests that ask many things at once.
const agent = new http.Agent({ keepAlive: true, maxSockets: 256 });

/** One HTTP request, redirects not followed. */
export function request<T = never>(
  method: string,
  url: string,
  { body, raw, headers = {} }: Asked = {},
): Promise<Answer<T>> {
  const payload = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const type =
    payload === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) };
  return new Promise((resolve, reject) => {
    const asked = http.request(url, { method, agent, headers: { ...type, ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const json = /[/+]json/.test(response.headers['content-type'] ?? '') && text !== '';
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: (json ? JSON.parse(text) : text) as T,
          text,
        });
      });
    });
    asked.on('error', reject);
    asked.end(payload);
  });
}

// What the API answers, as far as the tests look at it.
export interface LinkBody {
  id: string;
  domain: string;
  key: string;
  url: string;
  shortLink: string;
  tags: string[];
  clicks: number;
  visitors: number;
  lastClickedAt: string | null;
  [field: string]: unknown;
}
export interface PageBody<T> {
  data: T[];
  nextCursor: string | null;
}
export interface ProblemBody {
  code: string;
  detail: string;
  traceId: string;
  errors?: Array<{ pointer: string; code: string; message: string }>;
}

/** A caller with credentials. `path` starts with `/v1`. */
export class Caller {
  constructor(
    readonly apiKey: string,
    readonly apiUrl = underTest.apiUrl,
  ) {}

  ask<T = never>(method: string, path: string, { headers, ...asked }: Asked = {}): Promise<Answer<T>> {
    return request<T>(method, this.apiUrl + path, {
      ...asked,
      headers: { authorization: `Bearer ${this.apiKey}`, ...headers },
    });
  }
  get<T = never>(path: string, asked?: Asked): Promise<Answer<T>> {
    return this.ask<T>('GET', path, asked);
  }
  post<T = never>(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer<T>> {
    return this.ask<T>('POST', path, { body, ...(headers && { headers }) });
  }
  patch<T = never>(path: string, body: unknown): Promise<Answer<T>> {
    return this.ask<T>('PATCH', path, { body });
  }
  delete<T = never>(path: string): Promise<Answer<T>> {
    return this.ask<T>('DELETE', path);
  }

  /** A link that is there; fails the test otherwise. */
  async link(input: Record<string, unknown> = {}): Promise<LinkBody> {
    const answer = await this.post<LinkBody>('/v1/links', { url: 'https://example.com/', ...input });
    if (answer.status !== 201) throw new Error(`No link: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }
}

export const operator = new Caller(underTest.platformKey);

export interface Tenant extends Caller {
  tenantId: string;
  /** Hostname of its verified primary domain, on the redirect listener's port. */
  domain: string;
  domainId: string;
}

const port = underTest.redirectUrl ? new URL(underTest.redirectUrl).port : '';

/** A name nobody has used yet. */
export const unique = (prefix = 't'): string => `${prefix}${randomBytes(6).toString('hex')}`;

/** A hostname that counts as verified in the embedded default, and leads to the redirect listener. */
export const localHostname = (): string => `${unique()}.localhost:${port}`;

/** A new tenant with a domain of its own. */
export async function newTenant(): Promise<Tenant> {
  const slug = unique();
  const created = await operator.post<{ id: string; apiKey: string }>('/v1/tenants', { name: slug, slug });
  if (created.status !== 201) throw new Error(`No tenant: ${created.status} ${JSON.stringify(created.body)}`);
  const caller = new Caller(created.body.apiKey);
  const domain = await caller.post<{ id: string; hostname: string }>('/v1/domains', { hostname: localHostname() });
  if (domain.status !== 201) throw new Error(`No domain: ${domain.status} ${JSON.stringify(domain.body)}`);
  return Object.assign(caller, { tenantId: created.body.id, domain: domain.body.hostname, domainId: domain.body.id });
}

/** A visitor's request to a short domain. `path` is sent as it is. */
export const visit = (
  hostname: string,
  path: string,
  asked: Asked & { method?: string } = {},
): Promise<Answer<string>> =>
  request<string>(asked.method ?? 'GET', underTest.redirectUrl + path, {
    ...asked,
    headers: { host: hostname, ...asked.headers },
  });

/** Asks again until the answer is right, or fails with the last one. */
export async function eventually<T>(ask: () => Promise<T>, check: (value: T) => boolean, seconds = 10): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const value = await ask();
    if (check(value)) return value;
    if (Date.now() > end) throw new Error(`Not so within ${seconds} s: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
