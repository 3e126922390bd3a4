import { DomainError } from '../platform/http/domain-error.js';
import type { LimitName } from './plan-limits.js';

const THINGS = { linksPerMonth: 'links a month', domains: 'domains', members: 'members' } as const;

export interface Quota {
  name: Exclude<LimitName, 'requestsPerMinute'>;
  limit: number;
  used: number;
  /** Null: it does not by itself. */
  resetsAt: string | null;
}

export const quotaExceeded = (quota: Quota): DomainError => {
  const { name, limit, used, resetsAt } = quota;
  const has = `The plan of this tenant has ${limit} ${THINGS[name]}, and ${used} are used.`;
  const end = resetsAt ? `The count begins anew at ${resetsAt}.` : 'Delete some, or ask for a larger plan.';
  return new DomainError('over_quota', 'quota_exceeded', `${has} ${end}`, [], { quota });
};
