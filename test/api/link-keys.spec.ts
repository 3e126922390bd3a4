import { beforeAll, describe, expect, it } from '@jest/globals';
import { newDomain } from '../support/domains.js';
import { type LinkBody, newTenant, type Tenant, unique, visit } from '../support/waypost.js';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

const url = 'https://example.com/';
const path = (key: string): string => `/${key.split('/').map(encodeURIComponent).join('/')}`;

describe('keys', () => {
  it.each([
    'a',
    'Summer-Sale_2030.html',
    'docs/intro/part-1',
    "~@!$'()*+,;=:-_.",
    '東京/ラーメン',
    'مرحبا',
    'ক্ষ',
    '🎉',
    '👩‍🚀',
    '❤️',
    '👍🏽',
    '🇫🇷',
    '1️⃣',
    '...',
    'x'.repeat(190),
    '𝒜'.repeat(190),
  ])('takes %j, and redirects from it', async (key) => {
    const link = await tenant.link({ key });
    expect(link).toMatchObject({ key, shortLink: `http://${tenant.domain}${path(key)}` });
    expect((await visit(tenant.domain, path(key))).status).toBe(302);
    const info = await tenant.get<LinkBody>(`/v1/links/info?${new URLSearchParams({ domain: tenant.domain, key })}`);
    expect(info.body.id).toBe(link.id);
  });

  it.each([
    ['', 'key_length'],
    ['x'.repeat(191), 'key_length'],
    ['robots.txt', 'key_reserved'],
    ['Favicon.ICO', 'key_reserved'],
    ['.well-known/acme', 'key_reserved'],
    ['.well-known', 'key_reserved'],
    ['.', 'key_characters'],
    ['..', 'key_characters'],
    ['a/../b', 'key_characters'],
    ['a/./b', 'key_characters'],
    ['/a', 'key_characters'],
    ['a/', 'key_characters'],
    ['a//b', 'key_characters'],
    ['a b', 'key_characters'],
    ['a?b', 'key_characters'],
    ['a#b', 'key_characters'],
    ['a%20b', 'key_characters'],
    ['a\\b', 'key_characters'],
    ['a\nb', 'key_characters'],
    ['<b>', 'key_characters'],
    ['a\u202eb', 'key_characters'],
    ['a\u200bb', 'key_characters'],
  ])('refuses %j as %s', async (key, code) => {
    for (const route of ['/v1/links', '/v1/shorten']) {
      const answer = await tenant.post(route, { url, key });
      expect(answer).toBeProblem(422, 'invalid_input');
      expect(answer.body).toMatchObject({ errors: [{ pointer: '/key', code }] });
    }
    const link = await tenant.link();
    expect(await tenant.patch(`/v1/links/${link.id}`, { key })).toBeProblem(422, 'invalid_input');
  });

  it('rejects a key already used on this domain, and takes it on another', async () => {
    const key = unique();
    const first = await tenant.link({ key });
    expect(await tenant.post('/v1/links', { url, key })).toBeProblem(409, 'key_taken');
    expect(await tenant.post('/v1/shorten', { url, key })).toBeProblem(409, 'key_taken');

    const { hostname } = await newDomain(tenant);
    const second = await tenant.link({ key, domain: hostname });
    expect(second.id).not.toBe(first.id);
  });

  it('reads a composed and a decomposed letter as the same key', async () => {
    const name = unique();
    const [composed, decomposed] = [`${name}-caf\u00e9`, `${name}-cafe\u0301`];
    const link = await tenant.link({ key: decomposed });

    expect(link.key).toBe(composed);
    expect(await tenant.post('/v1/links', { url, key: composed })).toBeProblem(409, 'key_taken');
    for (const key of [composed, decomposed]) {
      expect((await visit(tenant.domain, path(key))).status).toBe(302);
      const found = await tenant.get<LinkBody>(`/v1/links/info?${new URLSearchParams({ domain: tenant.domain, key })}`);
      expect(found.body.id).toBe(link.id);
    }
  });

  it('tells keys apart by case', async () => {
    const key = unique('Case');
    await tenant.link({ key });
    const lower = await tenant.link({ key: key.toLowerCase(), url: 'https://example.com/lower' });
    expect(lower.key).toBe(key.toLowerCase());
    expect((await visit(tenant.domain, path(lower.key))).headers.location).toBe('https://example.com/lower');
    expect((await visit(tenant.domain, path(key))).headers.location).toBe('https://example.com/');
  });

  it('does not tell them apart on a domain that is not caseSensitive', async () => {
    const { hostname } = await newDomain(tenant, { caseSensitive: false });
    const link = await tenant.link({ domain: hostname, key: 'Straße-ÉTÉ' });

    expect(link.key).toBe('straße-été');
    expect(await tenant.post('/v1/links', { url, domain: hostname, key: 'STRAßE-été' })).toBeProblem(409, 'key_taken');
    for (const key of ['straße-été', 'STRAßE-ÉTÉ']) {
      expect((await visit(hostname, path(key))).status).toBe(302);
      const found = await tenant.get<LinkBody>(`/v1/links/info?${new URLSearchParams({ domain: hostname, key })}`);
      expect(found.body.id).toBe(link.id);
    }
    const moved = await tenant.link({ key: unique('Upper') });
    const patched = await tenant.patch<LinkBody>(`/v1/links/${moved.id}`, { domain: hostname });
    expect(patched.body.key).toBe(moved.key.toLowerCase());
  });

  it.each([
    ['no such key', (own: string) => ({ domain: own, key: unique() })],
    ['no such domain', () => ({ domain: 'nobody.example', key: 'a' })],
    ['no hostname', () => ({ domain: 'not a host', key: 'a' })],
    ['a key that can not be', (own: string) => ({ domain: own, key: 'a b/../c' })],
  ])('answers 404 to info about %s', async (_name, asked) => {
    const query = new URLSearchParams(asked(tenant.domain));
    expect(await tenant.get(`/v1/links/info?${query}`)).toBeProblem(404, 'link_not_found');
  });
});
