import { describe, expect, it } from '@jest/globals';
import { afterCheck, provesOwnership } from './verification.js';

const hour = 3_600_000;
const now = new Date('2026-11-23T12:00:00Z');
const ago = (hours: number): Date => new Date(now.getTime() - hours * hour);
const unverified = { verifiedAt: null, checkedAt: null, checkError: null, failingSince: null };
const verified = { ...unverified, verifiedAt: ago(1000) };
const refused = { outcome: 'refused', reason: 'no record' } as const;
const unreachable = { outcome: 'unreachable', reason: 'no answer' } as const;

describe('provesOwnership', () => {
  it('joins the strings of a record', () =>
    expect(provesOwnership([['other'], ['waypost-', 'verify=x']], 'waypost-verify=x')).toBe(true));
  it('takes no part of a record for the whole', () =>
    expect(provesOwnership([['waypost-verify=xy']], 'waypost-verify=x')).toBe(false));
});

describe('afterCheck', () => {
  it('verifies a domain when its record is there', () =>
    expect(afterCheck(unverified, { outcome: 'verified' }, now)).toEqual({
      verifiedAt: now,
      checkedAt: now,
      checkError: null,
      failingSince: null,
    }));
  it('keeps the first date of a verified domain, and forgets a failure', () =>
    expect(afterCheck({ ...verified, failingSince: ago(5) }, { outcome: 'verified' }, now)).toMatchObject({
      verifiedAt: verified.verifiedAt,
      failingSince: null,
    }));
  it('says why a domain is not verified', () =>
    expect(afterCheck(unverified, refused, now)).toMatchObject({ verifiedAt: null, checkError: 'no record' }));
  it('gives a verified domain time to mend its record', () =>
    expect(afterCheck(verified, refused, now)).toMatchObject({ verifiedAt: verified.verifiedAt, failingSince: now }));
  it('ends the verification when the record stays away', () =>
    expect(afterCheck({ ...verified, failingSince: ago(72) }, refused, now)).toMatchObject({ verifiedAt: null }));
  it('draws no conclusion from a silent DNS', () =>
    expect(afterCheck({ ...verified, failingSince: ago(100) }, unreachable, now)).toMatchObject({
      verifiedAt: verified.verifiedAt,
      checkError: 'no answer',
    }));
});
