import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { newApiKeyText, tenantOfApiKey } from './api-key-text.js';

const tenant = '019a2084-d0b4-7a5f-8b3c-0123456789ab';

describe('API keys', () => {
  it('name their tenant', () => expect(tenantOfApiKey(newApiKeyText(tenant))).toBe(tenant));
  it('name tenants with leading zeroes, and the last there can be', () => {
    for (const id of ['00000000-0000-0000-0000-000000000001', 'ffffffff-ffff-ffff-ffff-ffffffffffff']) {
      expect(tenantOfApiKey(newApiKeyText(id))).toBe(id);
    }
  });
  it('have a shape that secret scanners can match', () =>
    expect(newApiKeyText(tenant)).toMatch(/^wp_[0-9A-Za-z]{60}$/));
  it('are found by the regular expression of the documentation, and told by the checksum as it says', () => {
    const [documented = ''] = /^\\bwp_.*$/m.exec(readFileSync('docs/api.md', 'utf8')) ?? [];
    const [key, other] = [newApiKeyText(tenant), newApiKeyText(tenant)];
    const leak = `export KEY="${key}"\nhttps://example.com/?key=${other}&wp_${'a'.repeat(61)} xwp_${'a'.repeat(60)}`;
    expect(leak.match(new RegExp(documented, 'g'))).toEqual([key, other]);
    const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
    const value = Array.from(key.slice(57)).reduce((sum, digit) => sum * 62 + digits.indexOf(digit), 0);
    expect(value).toBe(crc32(key.slice(0, 57)));
  });
  it('are never the same twice', () => expect(newApiKeyText(tenant)).not.toBe(newApiKeyText(tenant)));
  it('are told from typing errors without asking the database', () => {
    const key = newApiKeyText(tenant);
    const typo = key.slice(0, 30) + (key[30] === 'a' ? 'b' : 'a') + key.slice(31);
    for (const text of [typo, key.slice(0, -1), `${key}x`, key.replace('wp_', 'xx_'), '', 'wp_']) {
      expect(tenantOfApiKey(text)).toBeUndefined();
    }
  });
});
