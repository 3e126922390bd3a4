import { afterEach, beforeAll, expect } from '@jest/globals';
import { answersOf, exchange, type RawAnswer } from './raw-http.js';
import { newTenant, type Tenant, underTest, visit } from './waypost.js';

let hosts: Record<'a' | 'b', Tenant>;

/** In the bytes that tests send, `{a}` and `{b}` stand for the two hosts. */
export const withHosts = (text: string): string =>
  text.replace(/\{([abA])\}/g, (_all, name: 'a' | 'b' | 'A') =>
    name === 'A' ? hosts.a.domain.toUpperCase() : hosts[name].domain,
  );

/**
 * Two hosts of two tenants with the same keys: `same` and `same/deeper` lead to `a` or `b`, and `a/deeper` or `b/deeper`;
 * `slow` has no fast lane, for it will expire one day. After each test both serve their visitors as ever.
 */
export function serveTwoHosts(): void {
  beforeAll(async () => {
    hosts = { a: await newTenant(), b: await newTenant() };
    for (const [name, tenant] of Object.entries(hosts)) {
      const url = `https://example.com/${name}`;
      await tenant.link({ key: 'same', url });
      await tenant.link({ key: 'same/deeper', url: `${url}/deeper` });
      await tenant.link({ key: 'slow', url: `${url}/slow`, expiresAt: '2099-01-01T00:00:00Z' });
      // The fast lane knows it from here on.
      expect((await visit(tenant.domain, '/same/deeper')).status).toBe(302);
    }
  });
  afterEach(async () => {
    for (const [name, { domain }] of Object.entries(hosts)) {
      const { headers } = await visit(domain, '/same');
      expect(headers.location).toBe(`https://example.com/${name}`);
    }
  });
}

/** All answers on one connection, until the listener closes it. Each part goes in a packet of its own. */
export async function send(...parts: Array<string | Buffer>): Promise<RawAnswer[]> {
  const bytes = parts.map((part) => (typeof part === 'string' ? withHosts(part) : part));
  return answersOf(await exchange(bytes, underTest.redirectUrl));
}

/** Where each answer leads, or else its status. */
export const shown = (answers: RawAnswer[]): Array<string | number> =>
  answers.map(({ status, headers }) => headers.location?.replace('https://example.com/', '') ?? status);

/** The last request of a connection. */
export const get = (target: string, headers = 'Host: {a}\r\n', version = '1.1'): string =>
  `GET ${target} HTTP/${version}\r\n${headers}Connection: close\r\n\r\n`;
