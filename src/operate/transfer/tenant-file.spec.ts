import { describe, expect, it } from '@jest/globals';
import {
  LineHash,
  newHeader,
  newTrailer,
  openKeys,
  parseHeader,
  parseRow,
  parseTrailer,
  rowPrefix,
  sealKeys,
} from './tenant-file.js';

const fields = {
  version: '1.2.3',
  exportedAt: '2026-11-28T12:00:00.000Z',
  tenant: { id: '01890000-0000-7000-8000-000000000000', slug: 'acme', hostnames: ['go.example'] },
  months: ['2026-10', '2026-11'] as [string, string],
  columns: { tenants: ['id'] },
  auditKeys: null,
};

describe('a file of a tenant', () => {
  it('begins with a header that says what it is', () => {
    expect(parseHeader(newHeader(fields))).toEqual({ format: 1, ...fields });
  });

  it.each([
    ['nothing', undefined],
    ['no JSON', 'PGDMP'],
    ['another kind of JSON', '{"tenants":{}}'],
    ['a header without its tenant', newHeader(fields).replace('"slug"', '"name"')],
  ])('is not %s', (_what, line) => {
    expect(() => parseHeader(line)).toThrow(/no file of a tenant/);
  });

  it('names the version that reads it', () => {
    expect(() => parseHeader(newHeader(fields).replace('"format":1', '"format":2'))).toThrow(/use Waypost 1\.2\.3/);
  });

  it('leaves rows as the database wrote them', () => {
    const row = '{"clicks":12345678901234567890,"title":"a\\"}\\n","at":"2026-11-28T12:00:00.123456+00:00"}';
    expect(parseRow(`${rowPrefix('links')}${row}}`)).toEqual({ table: 'links', row });
  });

  it.each(['{"pg_authid":{"rolname":"x"}}', '{"links":[]}', '{"links":{}', 'links', ''])('has no row %j', (line) => {
    expect(() => parseRow(line)).toThrow(/no row/);
  });

  it('ends with its counts and its hash, which tells where a line ends', () => {
    const [one, two] = [new LineHash(), new LineHash()];
    for (const line of ['a', 'bc']) one.add(line);
    for (const line of ['ab', 'c']) two.add(line);
    const sha256 = one.digest();
    expect(sha256).not.toBe(two.digest());
    const end = { rows: { links: 3 }, sha256 };
    expect(parseTrailer(newTrailer(end))).toEqual(end);
    expect(parseTrailer('{"links":{"end":1}}')).toBeUndefined();
    expect(parseTrailer('{"end":{"rows":{"links":-1}}}')).toBeUndefined();
  });

  it('opens its keys with the passphrase alone', () => {
    const salt = Buffer.alloc(16, 1).toString('base64');
    const key = Buffer.alloc(32, 7);
    const sealed = sealKeys('correct horse', salt, { abcd: key.toString('base64') });
    expect(openKeys('correct horse', { salt, sealed })).toEqual(new Map([['abcd', key]]));
    expect(() => openKeys('correct house', { salt, sealed })).toThrow(/does not open/);
    expect(() => openKeys('correct horse', { salt: 'AAAA', sealed })).toThrow(/does not open/);
  });
});
