import { describe, expect, it } from '@jest/globals';
import { TypeID } from 'typeid-js';
import { newApiKeyText } from '../../src/identity/api-key-text.js';
import { newTenant, request, underTest } from '../support/waypost.js';

describe('credentials', () => {
  const ask = (authorization?: string) =>
    request('GET', `${underTest.apiUrl}/v1/tenant`, authorization === undefined ? {} : { headers: { authorization } });

  const { apiKey, platformKey } = underTest;
  it.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['a scheme alone', 'Bearer'],
    ['a scheme and a space', 'Bearer '],
    ['another scheme', 'Basic dXNlcjpwYXNz'],
    ['another scheme with a key', `Token ${apiKey}`],
    ['a key without a scheme', apiKey],
    ['nonsense', 'Bearer nonsense'],
    ['a key of nobody', `Bearer wp_${'0'.repeat(60)}`],
    ['a tenant beyond all ids', `Bearer wp_${'z'.repeat(60)}`],
    ['far too much', `Bearer ${'x'.repeat(10_000)}`],
    ['more than a key', `Bearer ${apiKey} x`],
    ['a key that is too long', `Bearer ${apiKey}x`],
    ['a key that is too short', `Bearer ${apiKey.slice(0, -1)}`],
    ['a key in lower case', `Bearer ${apiKey.toLowerCase()}`],
    ['nearly the platform key', `Bearer ${platformKey}x`],
  ])('are needed: %s is not enough', async (_name, authorization) => {
    const answer = await ask(authorization);
    expect(answer).toBeProblem(401, 'unauthenticated');
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer/);
  });

  it('with a well-formed key for an existing tenant, but another secret, are refused', async () => {
    const { tenantId } = await newTenant();
    const forged = newApiKeyText(TypeID.fromString(tenantId).toUUID());
    expect(await ask(`Bearer ${forged}`)).toBeProblem(401, 'unauthenticated');
  });

  it('may be written with any case of Bearer', async () => {
    expect((await ask(`bEARER ${underTest.apiKey}`)).status).toBe(200);
  });
});
