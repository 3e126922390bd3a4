/** The TXT record by which whoever runs a hostname's DNS says that a tenant may use it. */
export const verificationRecord = (hostname: string, token: string) => ({
  type: 'TXT' as const,
  name: `_waypost.${hostname}`,
  value: `waypost-verify=${token}`,
});

/** @param records as DNS gives them: each a list of strings to be joined */
export const provesOwnership = (records: string[][], expected: string): boolean =>
  records.some((chunks) => chunks.join('').trim() === expected);

/** What a look at DNS found. `unreachable`: no answer, which says nothing about the record. */
export type Verdict = { outcome: 'verified' } | { outcome: 'refused' | 'unreachable'; reason: string };

interface Verification {
  /** Null: links on the domain do not redirect. */
  verifiedAt: Date | null;
  checkedAt: Date | null;
  checkError: string | null;
  /** Since when checks of a verified domain have found its record missing. */
  failingSince: Date | null;
}

/** How long a verified domain may miss its record: long enough to mend a slip, too short to keep a sold domain. */
const GRACE_MS = 72 * 3_600_000;

export function afterCheck(before: Verification, verdict: Verdict, now: Date): Verification {
  if (verdict.outcome === 'verified') {
    return { verifiedAt: before.verifiedAt ?? now, checkedAt: now, checkError: null, failingSince: null };
  }
  const checked = { checkedAt: now, checkError: verdict.reason };
  if (verdict.outcome === 'unreachable' || !before.verifiedAt) {
    return { verifiedAt: before.verifiedAt, failingSince: before.failingSince, ...checked };
  }
  const failingSince = before.failingSince ?? now;
  const lapsed = now.getTime() - failingSince.getTime() >= GRACE_MS;
  return lapsed
    ? { verifiedAt: null, failingSince: null, ...checked }
    : { verifiedAt: before.verifiedAt, failingSince, ...checked };
}
