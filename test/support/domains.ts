import { localHostname, type Caller } from './waypost.js';

export interface DomainBody {
  id: string;
  hostname: string;
  displayHostname: string;
  primary: boolean;
  caseSensitive: boolean;
  codeLength: number;
  verified: boolean;
  verifiedAt: string | null;
  checkedAt: string | null;
  checkError: string | null;
  verification: { type: string; name: string; value: string };
  [field: string]: unknown;
}

/** A domain that is there and verified, unless `hostname` says otherwise; fails the test if it can not be had. */
export async function newDomain(caller: Caller, settings: Record<string, unknown> = {}): Promise<DomainBody> {
  const answer = await caller.post<DomainBody>('/v1/domains', { hostname: localHostname(), ...settings });
  if (answer.status !== 201) throw new Error(`No domain: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}
