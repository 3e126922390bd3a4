import { randomBytes } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { everything } from '../support/pages.js';
import { exchange } from '../support/raw-http.js';
import {
  type Answer,
  type LinkBody,
  newTenant,
  operator,
  type ProblemBody,
  type Tenant,
  unique,
} from '../support/waypost.js';

const url = 'https://example.com/';

let tenant: Tenant;
beforeAll(async () => {
  tenant = await newTenant();
});

const send = (raw: string | Buffer, headers: Record<string, string> = {}): Promise<Answer<ProblemBody>> =>
  tenant.ask<ProblemBody>('POST', '/v1/links', { raw, headers });

/** What is refused leaves nothing behind. */
const links = async (): Promise<number> => (await everything<LinkBody>(tenant, '/v1/links?archived=all')).length;

describe('bodies', () => {
  const nested = (levels: number): string => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;

  it.each<[string, string | Buffer]>([
    ['empty', ''],
    ['no JSON', 'url=https://example.com'],
    ['cut off', `{"url":"${url}"`],
    ['two values', `{"url":"${url}"}{}`],
    ['with a trailing comma', `{"url":"${url}",}`],
    ['with a comment', `{"url":"${url}"} // x`],
    ['not UTF-8', Buffer.from([0x7b, 0x22, 0x75, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d])],
    ['cut off within a character', Buffer.from(`{"url":"é`).subarray(0, 9)],
    ['UTF-16', Buffer.from(`{"url":"${url}"}`, 'utf16le')],
    ['compressed', randomBytes(64)],
    ['nested too deep', nested(33)],
    ['arrays nested very deep', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['never closed', '['.repeat(100_000)],
    ['__proto__', `{"url":"${url}","__proto__":{"archived":true}}`],
    ['__proto__ in disguise', `{"url":"${url}","__proto\\u005f_":{"archived":true}}`],
    ['__proto__ further down', `{"url":"${url}","tags":[{"__proto__":null}]}`],
    ['constructor.prototype', `{"url":"${url}","constructor":{"prototype":{"archived":true}}}`],
  ])('refuses one that is malformed: %s', async (_name, body) => {
    const before = await links();
    expect(await send(body)).toBeProblem(400, 'malformed_body');
    expect(await links()).toBe(before);
  });

  it.each<[string, unknown, string]>([
    ['null', null, ''],
    ['an array', [], ''],
    ['a string', 'x', ''],
    ['a number', 1, ''],
    ['nothing', {}, '/url'],
    ['an unknown field', { url, colour: 'red' }, '/colour'],
    ['an unknown field with a strange name', { url, 'a/b~c': 1 }, '/a~1b~0c'],
    ['constructor', { url, constructor: 1 }, '/constructor'],
    ['toString', { url, toString: 1 }, '/toString'],
    ['a number for text', { url: 1 }, '/url'],
    ['an object for text', { url, title: {} }, '/title'],
    ['text for a list', { url, tags: 'a' }, '/tags'],
    ['a list of numbers', { url, tags: ['a', 2] }, '/tags/1'],
    ['an empty tag', { url, tags: ['  '] }, '/tags/0'],
    ['a tag too long', { url, tags: ['x'.repeat(51)] }, '/tags/0'],
    ['too many tags', { url, tags: Array.from({ length: 51 }, (_, n) => `t${n}`) }, '/tags'],
    ['text for a truth value', { url, archived: 'true' }, '/archived'],
    ['a status that is no redirect', { url, redirectStatus: 200 }, '/redirectStatus'],
    ['a status in text', { url, redirectStatus: '302' }, '/redirectStatus'],
    ['a fraction', { url, maxClicks: 1.5 }, '/maxClicks'],
    ['zero clicks', { url, maxClicks: 0 }, '/maxClicks'],
    ['more clicks than can be counted', { url, maxClicks: 1e300 }, '/maxClicks'],
    ['a time without zone', { url, expiresAt: '2030-01-01T00:00:00' }, '/expiresAt'],
    ['a day that is not there', { url, expiresAt: '2030-02-30T00:00:00Z' }, '/expiresAt'],
    ['a time as number', { url, startsAt: 1_900_000_000 }, '/startsAt'],
    ['a title too long', { url, title: 'x'.repeat(501) }, '/title'],
    ['comments too long', { url, comments: 'x'.repeat(5001) }, '/comments'],
    ['an empty externalId', { url, externalId: '' }, '/externalId'],
    ['an externalId too long', { url, externalId: 'x'.repeat(256) }, '/externalId'],
    ['a null character in text', { url, title: 'a\u0000b' }, '/title'],
    ['a null character in a tag', { url, tags: ['a', 'a\u0000b'] }, '/tags/1'],
    ['half a character', { url, title: 'a\ud800b' }, '/title'],
    ['the other half', { url, comments: '\udc00' }, '/comments'],
    ['half a character in an id', { url, externalId: '\ud83d' }, '/externalId'],
  ])('refuses one that is not valid: %s', async (_name, body, pointer) => {
    const before = await links();
    const answer = await tenant.post<ProblemBody>('/v1/links', body);
    expect(answer).toBeProblem(422, 'invalid_input');
    expect(answer.body.errors?.map((fault) => fault.pointer)).toEqual([pointer]);
    expect(answer.body.errors?.[0]).toEqual({ pointer, code: expect.any(String), message: expect.any(String) });
    expect(await links()).toBe(before);
  });

  it('names every fault at once, but not without end', async () => {
    const three = await tenant.post<ProblemBody>('/v1/links', { url: 'x', tags: 1, colour: 'red' });
    expect(three.body.errors?.map(({ pointer }) => pointer).sort()).toEqual(['/colour', '/tags', '/url']);

    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, n) => [`field${n}`, n]));
    const answer = await tenant.post<ProblemBody>('/v1/links', many);
    expect(answer).toBeProblem(422, 'invalid_input');
    expect(answer.body.errors?.length).toBeLessThanOrEqual(50);
  });

  it('refuses one that is too large, announced or not', async () => {
    const large = JSON.stringify({ url, comments: 'x'.repeat(300_000) });
    expect(await send(large)).toBeProblem(413, 'body_too_large');
    const unannounced = await exchange(
      `POST /v1/links HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${tenant.apiKey}\r\nconnection: close\r\n` +
        `content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`,
    );
    expect(unannounced).toMatch(/^HTTP\/1\.1 413 [^]*"code":"body_too_large"/);
  });

  it.each([
    'text/plain',
    'text/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/octet-stream',
    'application/jsonp',
    'nonsense',
  ])('takes JSON alone, not %s', async (type) => {
    expect(await send(`{"url":"${url}"}`, { 'content-type': type })).toBeProblem(415, 'unsupported_media_type');
  });

  it.each(['application/json; charset=utf-8', 'Application/JSON', 'application/json;x=y'])('takes %s', async (type) => {
    expect((await send(`{"url":"${url}"}`, { 'content-type': type })).status).toBe(201);
  });

  it.each([
    ['POST', '/v1/shorten', { url, key: 'a\u0000b' }, '/key'],
    ['POST', '/v1/domains', { hostname: 'a\u0000.example' }, '/hostname'],
    ['POST', '/v1/api-keys', { name: 'a\u0000b' }, '/name'],
    ['PATCH', '/v1/tenant', { name: 'a\ud800b' }, '/name'],
  ])('refuses text that can not be stored: %s %s', async (method, path, body, pointer) => {
    const answer = await tenant.ask<ProblemBody>(method, path, { body });
    expect(answer).toBeProblem(422, 'invalid_input');
    expect(answer.body.errors?.map((fault) => fault.pointer)).toEqual([pointer]);
    const byOperator = await operator.post('/v1/tenants', { name: 'a\u0000b', slug: unique() });
    expect(byOperator).toBeProblem(422, 'invalid_input');
  });
});
